"""Set-up's Lambda step: the registration function's packages, fetched for Lambda's Python and kept as one zip."""

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
    """Make the zip of the packages in the function's lock, unless it is there; return it."""
    target = packages_file()
    lock = LOCK.relative_to(root)
    if target.exists():
        say(f"packages of the registration function: already there ({lock})")
        return target
    say(f"packages of the registration function: pip for Lambda's Python {PYTHON}, 31 MB of {lock}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packages-", dir=target.parent) as scratch:
        folder = Path(scratch) / "packages"
        _fetch(root, folder)
        made = Path(scratch) / target.name
        with zipfile.ZipFile(made, "w") as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = file.relative_to(folder)
                if _needed(name):
                    add(archive, name.as_posix(), file.read_bytes())
        for older in target.parent.glob("packages-*.zip"):
            older.unlink()
        made.replace(target)
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
        problem=f"pip could not fetch the packages of {LOCK.relative_to(root)} for Lambda's Python {PYTHON}.",
    )


def _needed(name: Path) -> bool:
    """Whether a file of an installed package goes along.

    Of what pip writes about a package only METADATA: it tells scanners which versions are there, and the rest differs
    from machine to machine, as do the programs in ``bin/``.
    """
    if name.parts[0].endswith(".dist-info"):
        return name.parts[1:] == ("METADATA",)
    return name.parts[0] != "bin" and not {"tests", "testdata", "__pycache__"} & set(name.parts)
