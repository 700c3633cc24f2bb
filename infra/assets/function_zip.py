"""The code of the registration function: one zip of its packages, `infra/workspace/` and the job's wheel.

Its packages are fetched by set-up (``tools/function_packages.py``) and kept in the venv; packing needs neither network
nor Docker. Lambda unpacks the zip to where it imports from, and has boto3 itself.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.assets.wheel import SOURCE, WheelBuildError, build_wheel
from infra.workspace.wheel.wheel_file import read_wheel

PYTHON = "3.13"
"""Lambda's Python, the newest that this repository is tested on. Packages with machine code are for this one alone."""

MACHINE = "x86_64"
"""Lambda's machine, as wheels name it."""

WORKSPACE = Path(__file__).resolve().parents[1] / "workspace"
"""The function's own modules; `__main__.py` is for use by hand and stays out."""

LOCK = WORKSPACE / "requirements.txt"
"""The packages that the function has beside them, with a hash for every file."""

_TIME = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can say: when a file was touched is no content


class FunctionCodeError(Exception):
    """The zip cannot be made; the text says what to do."""


@dataclass(frozen=True)
class FunctionCode:
    """The function's code.

    Attributes:
        path: the zip.
        content_hash: of all that is in it, and of nothing else: no time, no folder, no way of packing.
        wheel: version and content hash of the job's wheel in it, such as ``0.1.0-1a2b3c4d5e6f``.
    """

    path: Path
    content_hash: str
    wheel: str


def packages_file() -> Path:
    """Where set-up puts the packages of the lock as a zip; it need not exist."""
    wanted = LOCK.read_bytes() + f"{PYTHON} {MACHINE}".encode()
    return Path(sys.prefix) / "lambda" / f"packages-{hashlib.sha256(wanted).hexdigest()[:16]}.zip"


@functools.cache
def function_code() -> FunctionCode:
    """The function's code, packed once in a process; the zip goes when the process ends.

    Raises:
        FunctionCodeError: see :func:`pack`.
    """
    folder = Path(tempfile.mkdtemp(prefix="function-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pack(folder)


def pack(folder: Path, *, workspace: Path = WORKSPACE, job: Path = SOURCE) -> FunctionCode:
    """Pack the function's code into a folder.

    Raises:
        FunctionCodeError: set-up has not brought the packages of this lock, or the wheel cannot be built.
    """
    packages = packages_file()
    if not packages.is_file():
        raise FunctionCodeError(
            f"The registration function's packages (infra/workspace/{LOCK.name}) are not in this venv: "
            "run make setup, then again"
        )
    try:
        wheel = build_wheel(folder / "wheel", source=job)
    except WheelBuildError as error:
        raise FunctionCodeError(str(error)) from error
    path = folder / "function.zip"
    shutil.copyfile(packages, path)
    with zipfile.ZipFile(path, "a") as archive:
        # Without ours, which is about CDK's Node.
        add(archive, "infra/__init__.py", b"")
        for module in sorted(workspace.rglob("*.py")):
            if module.name != "__main__.py":
                name = module.relative_to(workspace).as_posix()
                add(archive, f"infra/workspace/{name}", module.read_bytes())
        add(archive, f"wheel/{wheel.name}", wheel.read_bytes())
    label = read_wheel(wheel).label
    return FunctionCode(path=path, content_hash=_content_hash(path, wheel=label), wheel=label)


def add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file to a zip: readable for Lambda, of no time."""
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, content)


def _content_hash(path: Path, *, wheel: str) -> str:
    """The wheel counts by its own content hash: it is a zip, and another zlib packs the same files differently."""
    with zipfile.ZipFile(path) as archive:
        held = sorted(
            (name, wheel if name.startswith("wheel/") else hashlib.sha256(archive.read(name)).hexdigest())
            for name in archive.namelist()
        )
    return hashlib.sha256(repr(held).encode()).hexdigest()
