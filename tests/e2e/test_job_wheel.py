"""The wheel that a cluster installs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email import message_from_string
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.ingesting import ROOT

pytestmark = pytest.mark.lts


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy of `job/` without network access."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "job"
    shutil.copytree(ROOT / "job", source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", str(folder), str(source)], check=True, timeout=240)
    (built,) = folder.glob("*.whl")
    assert built.name == f"vpc_flow_logs-{import_module('vpc_flow_logs').__version__}-py3-none-any.whl"
    return zipfile.ZipFile(built)


def test_the_wheel_contains_only_the_package(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    job = ROOT / "job"
    sources = [
        *job.glob("vpc_flow_logs/**/*.py"),
        *job.glob("vpc_flow_logs/answers/*.sql"),
        job / "vpc_flow_logs" / "py.typed",
    ]
    assert names == {file.relative_to(job).as_posix() for file in sources}
    assert {"vpc_flow_logs/parser/records.py", "vpc_flow_logs/answers/top_talkers.sql"} <= names


def test_the_wheel_has_no_dependencies_to_download(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_string(wheel.read(name).decode())
    assert metadata.get_all("Requires-Dist") is None
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Name"] == "vpc-flow-logs"


def test_the_entry_points_exist_and_are_functions_of_the_package_too(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    points = ConfigParser()
    points.read_string(wheel.read(name).decode())
    assert dict(points["console_scripts"]) == {
        "ingest": "vpc_flow_logs.main:ingest",
        "verify": "vpc_flow_logs.main:verify",
        "maintain": "vpc_flow_logs.main:maintain",
        "probe": "vpc_flow_logs.main:probe",
    }
    for name, point in points["console_scripts"].items():
        module, _, function = point.partition(":")
        # Databricks falls back to the package's function of that name, so no module may have the name.
        assert getattr(import_module(module), function) is getattr(import_module("vpc_flow_logs"), name)


def test_the_wheel_runs_without_the_rest_of_this_repository(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {wheel.filename!r}); from vpc_flow_logs import main; "
        "assert '.whl' in main.__file__, main.__file__; main.ingest()"
    )
    # Python 3.10 lacks -P, so the working directory is empty.
    result = subprocess.run(
        [sys.executable, "-c", code, "--table-name=Bad"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    # The problems come before Python's message for an uncaught exception.
    assert result.stderr.startswith("5 parameter problems; nothing was created:\n")
    assert list(tmp_path.iterdir()) == []
