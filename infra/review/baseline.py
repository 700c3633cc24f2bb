"""The review that a change is compared with, from a folder or from a git revision such as the base branch."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CARRIERS = "carriers.json"
"""The file with the role or key that carries each document."""


class BaseReviewError(Exception):
    """The base review cannot be read. The message names the cause and the next step."""


def documents_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the documents of an environment's review by file name, each with its role or key as ``Carrier``.

    Raises:
        BaseReviewError: A file is not valid JSON.
    """
    documents: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            documents[path.name] = json.loads(path.read_text())
        except ValueError as error:
            raise BaseReviewError(
                f"{path} is not valid JSON ({error}). Choose a folder that make review wrote"
            ) from None
    carriers = documents.pop(CARRIERS, {})
    return {
        file: {**document, "Carrier": carriers[file]} if file in carriers else document
        for file, document in documents.items()
    }


@contextmanager
def at_revision(revision: str, *, root: Path, folder: str) -> Iterator[Path]:
    """Unpack a folder of the repository at ``root`` as of a revision; an empty folder if the revision has none.

    Raises:
        BaseReviewError: The revision does not exist.
    """
    verified = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    commit = verified.stdout.decode().strip()
    if not commit:
        raise BaseReviewError(
            f"{revision} is not a revision of this repository. You may have to fetch it first (git fetch origin main "
            "for origin/main)"
        )
    with tempfile.TemporaryDirectory(prefix="review-") as unpacked:
        target = Path(unpacked) / folder
        target.mkdir()
        if _git(root, "ls-tree", commit, "--", folder).stdout:
            _unpack(_git(root, "archive", "--format=tar", commit, "--", folder).stdout, Path(unpacked))
        yield target


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise BaseReviewError("git is not installed. Install it, or compare with a folder (--against DIR)") from None


def _unpack(archive: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
