"""The job's wheel as a file: its name, its version, and a hash of what is in it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.workspace.errors import DeploymentError


@dataclass(frozen=True)
class WheelFile:
    """A wheel that was read.

    Attributes:
        name: file name, which an installer has to find unchanged.
        content: the file's bytes.
        label: version and content hash, such as ``0.1.0-1a2b3c4d5e6f``.
    """

    name: str
    content: bytes
    label: str


def read_wheel(path: Path) -> WheelFile:
    """Read a wheel.

    The hash is of what the wheel holds, not of its bytes: another zlib packs the same files differently.

    Raises:
        DeploymentError: there is no such file, or it is not a wheel.
    """
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = sorted((name, hashlib.sha256(archive.read(name)).hexdigest()) for name in archive.namelist())
    except FileNotFoundError:
        raise DeploymentError(
            f"The job's wheel is missing: there is no file {path.name}",
            advice="Check --wheel, or leave it out: the wheel is then built from job/",
        ) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise DeploymentError(
            f"{path.name} cannot be read as a wheel:",
            words=str(error),
            advice="Leave --wheel out: the wheel is then built from job/",
        ) from error
    parts = path.stem.split("-")
    if path.suffix != ".whl" or len(parts) < 5:
        raise DeploymentError(f"{path.name} is not a valid wheel name (name-version-python-abi-platform.whl)")
    return WheelFile(
        name=path.name, content=content, label=f"{parts[1]}-{hashlib.sha256(repr(held).encode()).hexdigest()[:12]}"
    )


def wheel_in(folder: Path) -> WheelFile:
    """Return the one wheel of a folder.

    Raises:
        DeploymentError: there is none, or more than one.
    """
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise DeploymentError(
            f"The job's wheel is missing: the folder {folder.name}/ has {len(found)} wheels and should have one",
            advice="Run make setup and deploy again",
        )
    return read_wheel(found[0])
