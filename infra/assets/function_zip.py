"""The code of the registration function: one zip with its packages, `infra/workspace/`, the wheel and the dashboard.

Setup downloads the packages (``tools/function_packages.py``) and keeps them in the venv, so packing needs neither
network nor Docker. Lambda unpacks the zip into the import path. boto3 is part of Lambda's runtime.
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
from infra.dashboard.document import template
from infra.workspace.dashboard.template import NAME as TEMPLATE
from infra.workspace.wheel.wheel_file import read_wheel

PYTHON = "3.13"
"""Lambda's Python: the newest version that this repository is tested with. Compiled packages work only with it."""

MACHINE = "x86_64"
"""Lambda's architecture, as in the platform tags of wheels."""

WORKSPACE = Path(__file__).resolve().parents[1] / "workspace"
"""The function's own modules. `__main__.py` is for use by hand and is left out."""

LOCK = WORKSPACE / "requirements.txt"
"""The function's packages, with a hash for every file."""

_TIME = (1980, 1, 1, 0, 0, 0)  # The earliest time that a zip can hold: the zip must not depend on modification times.


class FunctionCodeError(Exception):
    """The zip cannot be built. The message names the next step."""


@dataclass(frozen=True)
class FunctionCode:
    """The function's code.

    Attributes:
        path: The zip.
        content_hash: Hash of the names and contents of its files. Times, folders and compression do not change it.
        wheel: Version and content hash of the job's wheel in it, such as ``0.1.0-1a2b3c4d5e6f``.
        dashboard: Content hash of the dashboard's template in it.
    """

    path: Path
    content_hash: str
    wheel: str
    dashboard: str


def packages_file() -> Path:
    """Return the path of the zip with the packages of the lock file. Setup creates it, so it may not exist yet."""
    key = LOCK.read_bytes() + f"{PYTHON} {MACHINE}".encode()
    return Path(sys.prefix) / "lambda" / f"packages-{hashlib.sha256(key).hexdigest()[:16]}.zip"


@functools.cache
def function_code() -> FunctionCode:
    """Return the function's code. It is packed once per process, and the zip is deleted when the process ends.

    Raises:
        FunctionCodeError: See :func:`pack`.
    """
    folder = Path(tempfile.mkdtemp(prefix="function-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pack(folder)


def pack(folder: Path, *, workspace: Path = WORKSPACE, job: Path = SOURCE) -> FunctionCode:
    """Pack the function's code into a folder.

    Raises:
        FunctionCodeError: The packages of the lock file are not in the venv, or the wheel cannot be built.
    """
    packages = packages_file()
    if not packages.is_file():
        raise FunctionCodeError(
            f"The registration function's packages (infra/workspace/{LOCK.name}) are not in this venv. "
            "Run make setup and try again"
        )
    try:
        wheel = build_wheel(folder / "wheel", source=job)
    except WheelBuildError as error:
        raise FunctionCodeError(str(error)) from error
    path = folder / "function.zip"
    shutil.copyfile(packages, path)
    with zipfile.ZipFile(path, "a") as archive:
        # Not the repository's infra/__init__.py, which sets up Node for CDK.
        add(archive, "infra/__init__.py", b"")
        for module in sorted(workspace.rglob("*.py")):
            if module.name != "__main__.py":
                name = module.relative_to(workspace).as_posix()
                add(archive, f"infra/workspace/{name}", module.read_bytes())
        add(archive, f"wheel/{wheel.name}", wheel.read_bytes())
        dashboard = template().encode()
        add(archive, f"dashboard/{TEMPLATE}", dashboard)
    label = read_wheel(wheel).label
    return FunctionCode(
        path=path,
        content_hash=_content_hash(path, wheel=label),
        wheel=label,
        dashboard=hashlib.sha256(dashboard).hexdigest()[:12],
    )


def add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file to a zip, readable by Lambda and with a fixed modification time."""
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, content)


def _content_hash(path: Path, *, wheel: str) -> str:
    """Return the hash of the zip's contents.

    The wheel is a zip itself, and its bytes depend on the version of zlib, so its content hash is used instead.
    """
    with zipfile.ZipFile(path) as archive:
        contents = sorted(
            (name, wheel if name.startswith("wheel/") else hashlib.sha256(archive.read(name)).hexdigest())
            for name in archive.namelist()
        )
    return hashlib.sha256(repr(contents).encode()).hexdigest()
