"""The zip of the registration function: its content, and the changes that give it another hash."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from unittest import mock

import pytest

from infra.assets import function_zip
from infra.assets.function_zip import LOCK, MACHINE, PYTHON, WORKSPACE, FunctionCode, FunctionCodeError, pack
from infra.assets.wheel import SOURCE
from infra.dashboard.document import template
from infra.workspace import handler
from infra.workspace.wheel.wheel_file import read_wheel
from tests.infra.conftest import ROOT

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> FunctionCode:
    return pack(tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="module")
def unpacked(code: FunctionCode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the unpacked zip, as Lambda sees it."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(code.path) as archive:
        archive.extractall(folder)
    return folder


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    return target


def _pins(text: str) -> set[tuple[str, str]]:
    """Return the pinned names and versions; a lock for several Pythons can have a name more than once."""
    return {(name.lower().replace("_", "-"), version) for name, version in _PIN.findall(text)}


def test_the_zip_does_not_depend_on_folder_time_or_permissions(code: FunctionCode, tmp_path: Path) -> None:
    workspace, job = _copied(WORKSPACE, tmp_path / "workspace"), _copied(SOURCE, tmp_path / "job")
    for file in [*workspace.rglob("*.py"), *job.rglob("*.py")]:
        os.utime(file, (0, 0))
        file.chmod(0o600)
    again = pack(tmp_path / "out", workspace=workspace, job=job)
    assert (again.content_hash, again.wheel) == (code.content_hash, code.wheel)


def test_the_zip_has_the_template_of_the_dashboard_where_the_function_reads_it(
    code: FunctionCode, unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(unpacked))
    spec = mock.Mock(warehouse_id="0123456789abcdef")
    assert handler._template(spec) == template()
    assert code.dashboard == hashlib.sha256(template().encode()).hexdigest()[:12]


def test_a_changed_module_changes_the_zip_and_keeps_the_wheel(code: FunctionCode, tmp_path: Path) -> None:
    workspace = _copied(WORKSPACE, tmp_path / "workspace")
    with (workspace / "errors.py").open("a") as module:
        module.write("# changed\n")
    changed = pack(tmp_path / "out", workspace=workspace)
    assert changed.content_hash != code.content_hash
    assert changed.wheel == code.wheel


def test_a_changed_job_changes_the_zip_and_the_wheel(code: FunctionCode, tmp_path: Path) -> None:
    job = _copied(SOURCE, tmp_path / "job")
    with (job / "vpc_flow_logs" / "fields.py").open("a") as module:
        module.write("# changed\n")
    changed = pack(tmp_path / "out", job=job)
    assert changed.content_hash != code.content_hash
    assert changed.wheel != code.wheel


def test_the_command_line_entry_point_does_not_change_the_zip(code: FunctionCode, tmp_path: Path) -> None:
    workspace = _copied(WORKSPACE, tmp_path / "workspace")
    (workspace / "__main__.py").write_text("print('by hand')\n")
    (workspace / "notes.txt").write_text("x")
    assert pack(tmp_path / "out", workspace=workspace).content_hash == code.content_hash


def test_the_zip_holds_our_modules_one_wheel_and_the_locked_packages(code: FunctionCode, unpacked: Path) -> None:
    packed = unpacked / "infra" / "workspace"
    ours = {file.relative_to(packed).as_posix() for file in packed.rglob("*.py")}
    assert ours == {file.relative_to(WORKSPACE).as_posix() for file in WORKSPACE.rglob("*.py")} - {"__main__.py"}
    assert [file.name for file in (unpacked / "infra").iterdir() if file.is_file()] == ["__init__.py"]
    assert (unpacked / "infra" / "__init__.py").read_bytes() == b""
    (wheel,) = (unpacked / "wheel").iterdir()
    assert read_wheel(wheel).label == code.wheel
    packages = [message_from_bytes(file.read_bytes()) for file in unpacked.glob("*.dist-info/METADATA")]
    packed_versions = {(package["Name"].lower().replace("_", "-"), package["Version"]) for package in packages}
    assert packed_versions == _pins(LOCK.read_text())


def test_the_zip_holds_nothing_that_differs_between_machines(code: FunctionCode) -> None:
    with zipfile.ZipFile(code.path) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    parts = {part for entry in entries for part in Path(entry.filename).parts}
    assert not parts & {"bin", "__pycache__", "tests", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
    assert len({entry.filename for entry in entries}) == len(entries)


def test_the_zip_is_far_below_the_size_limit_of_lambda(code: FunctionCode) -> None:
    with zipfile.ZipFile(code.path) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 100 * 2**20  # of 250 MiB


def test_native_libraries_match_the_python_and_architecture_of_the_function(unpacked: Path) -> None:
    libraries = sorted(unpacked.rglob("*.so*"))
    assert libraries
    for library in libraries:
        tag = library.name.split(".")[1]
        assert tag == "abi3" or tag.startswith(f"cpython-{PYTHON.replace('.', '')}-{MACHINE}-linux")
        header = library.read_bytes()[:20]
        assert (header[:5], header[18:20]) == (b"\x7fELF\x02", b"\x3e\x00"), library.name  # 64 bits, x86-64


def test_the_function_uses_the_package_versions_of_the_tests() -> None:
    tested = _pins((ROOT / "requirements.txt").read_text())
    locked = _pins(LOCK.read_text())
    assert "databricks-sdk" in {name for name, _ in locked}
    assert locked <= tested


def _modules() -> list[str]:
    files = (file.relative_to(WORKSPACE).with_suffix("") for file in WORKSPACE.rglob("*.py"))
    return [".".join(("infra", "workspace", *file.parts)) for file in files if not file.name.startswith("__")]


@pytest.mark.skipif(
    platform.machine() != MACHINE or sys.version_info < (3, 11), reason="the native libraries are built for Lambda"
)
def test_all_modules_can_be_imported_from_the_zip(unpacked: Path) -> None:
    modules = ["databricks.sdk", *_modules()]
    program = (
        f"import sys, importlib; sys.path.insert(0, {str(unpacked)!r})\n"
        f"for name in {modules!r}: print(importlib.import_module(name).__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program], cwd=unpacked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(file).is_relative_to(unpacked) for file in done.stdout.splitlines())


def test_without_set_up_the_error_names_the_command_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(FunctionCodeError) as error:
        pack(tmp_path)
    assert str(error.value) == (
        "The registration function's packages (infra/workspace/requirements.txt) are not in this venv. "
        "Run make setup and try again"
    )


def test_a_changed_lock_python_or_architecture_requires_set_up_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {function_zip.packages_file()}
    for name, value in (("PYTHON", "3.14"), ("MACHINE", "aarch64"), ("LOCK", tmp_path / "lock")):
        (tmp_path / "lock").write_text("changed")
        with monkeypatch.context() as patch:
            patch.setattr(function_zip, name, value)
            files.add(function_zip.packages_file())
    assert len(files) == 4
