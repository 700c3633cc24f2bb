"""The job's wheel as a file: its name, its version, and a hash of its content."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.workspace.errors import DeploymentError


@dataclass(frozen=True)
class WheelFile:
    """A wheel in memory.

    Attributes:
        name: file name; it must stay unchanged because installers parse it.
        content: the file's bytes.
        label: version and content hash, such as ``0.1.0-1a2b3c4d5e6f``.
    """

    name: str
    content: bytes
    label: str


def read_wheel(path: Path) -> WheelFile:
    """Read a wheel.

    The hash covers the files in the wheel and not its bytes, because zlib versions compress the same files differently.

    Raises:
        DeploymentError: the file does not exist, or it is not a wheel.
    """
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            hashes = sorted((name, hashlib.sha256(archive.read(name)).hexdigest()) for name in archive.namelist())
    except FileNotFoundError:
        raise DeploymentError(
            f"The job's wheel is missing: there is no file {path.name}",
            advice="Check --wheel, or omit it to build the wheel from job/",
        ) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise DeploymentError(
            f"{path.name} cannot be read as a wheel:",
            detail=str(error),
            advice="Check --wheel, or omit it to build the wheel from job/",
        ) from error
    parts = path.stem.split("-")
    if path.suffix != ".whl" or len(parts) < 5:
        raise DeploymentError(f"{path.name} is not a valid wheel name (name-version-python-abi-platform.whl)")
    return WheelFile(
        name=path.name, content=content, label=f"{parts[1]}-{hashlib.sha256(repr(hashes).encode()).hexdigest()[:12]}"
    )


def wheel_in(folder: Path) -> WheelFile:
    """Return the only wheel in a folder.

    Raises:
        DeploymentError: the folder has no wheel, or more than one.
    """
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise DeploymentError(
            f"The job's wheel is missing: the folder {folder.name}/ contains {len(wheels)} wheels instead of one",
            advice="Run make setup and deploy again",
        )
    return read_wheel(wheels[0])
