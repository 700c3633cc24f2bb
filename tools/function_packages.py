"""Setup's Lambda step: the registration function's packages, downloaded for Lambda's Python and stored as one zip."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.assets.function_zip import LOCK, MACHINE, PYTHON, add, packages_file
from tools.progress import run, say

# Lambda's Python 3.12 and newer run on Amazon Linux 2023, which has glibc 2.34.
_PLATFORMS = [f"{name}_{MACHINE}" for name in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")]


def provide_function_packages(root: Path) -> Path:
    """Create the zip of the packages in the function's lock file if it does not exist, and return it."""
    target = packages_file()
    lock = LOCK.relative_to(root)
    if target.exists():
        say(f"packages of the registration function: already there ({lock})")
        return target
    say(f"packages of the registration function: downloading 31 MB of {lock} for Lambda's Python {PYTHON}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packages-", dir=target.parent) as scratch:
        folder = Path(scratch) / "packages"
        _fetch(root, folder)
        packed = Path(scratch) / target.name
        with zipfile.ZipFile(packed, "w") as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = file.relative_to(folder)
                if _needed(name):
                    add(archive, name.as_posix(), file.read_bytes())
        for older in target.parent.glob("packages-*.zip"):
            older.unlink()
        packed.replace(target)
    return target


def _fetch(root: Path, folder: Path) -> None:
    platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
    run(
        [
            *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--no-deps"),
            *("--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON, *platforms),
            *("--require-hashes", "--requirement", str(LOCK), "--target", str(folder)),
        ],
        cwd=root,
        env=os.environ,
        log=Path(sys.prefix) / "log" / "function-packages.log",
        problem=f"pip could not download the packages of {LOCK.relative_to(root)} for Lambda's Python {PYTHON}.",
    )


def _needed(name: Path) -> bool:
    """Return True if a file of an installed package belongs in the zip.

    Of the files that pip writes about a package, only METADATA does: scanners read the version from it. The other files
    and the programs in ``bin/`` differ from machine to machine.
    """
    if name.parts[0].endswith(".dist-info"):
        return name.parts[1:] == ("METADATA",)
    return name.parts[0] != "bin" and not {"tests", "testdata", "__pycache__"} & set(name.parts)
