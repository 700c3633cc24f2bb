"""A folder of the review: written, compared with what the code makes now, or with another one."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.iam import Policy
from infra.review.baseline import documents_in
from infra.review.diff_report import comparison, table
from infra.review.iam_diff import changes
from infra.review.page import HEADING
from vpc_flow_logs.terminal import printable_lines


@dataclass(frozen=True)
class Part:
    """What has a folder of its own: an environment, or what CI may do there.

    Attributes:
        name: of the folder in the review, such as ``staging`` or ``ci-access/staging``.
        folder: where it is.
        files: what belongs in it, by name.
        policies: the documents among them.
        asked: the name or path of the environment's file, for advice.
    """

    name: str
    folder: Path
    files: Mapping[str, str]
    policies: Sequence[Policy]
    asked: str


def write(part: Part) -> int:
    """Write the files, and delete what a review had there before; return the exit status."""
    if not _ours(part.folder):
        spoken = _spoken(part.folder)
        print(f"{spoken} holds other files than a review; name an empty or a new folder", file=sys.stderr)
        return 2
    _write(part.files, part.folder)
    print(f"{part.name}: {len(part.files)} files in {_spoken(part.folder)}/, beginning with README.md")
    return 0


def check(part: Part) -> int:
    """Say whether the folder is what the code makes; return the exit status."""
    folder, files = part.folder, part.files
    there = _there(folder)
    stale = [f"{name} is missing" for name in sorted(set(files) - there)]
    stale += [f"{name} is left over" for name in sorted(there - set(files))]
    stale += [f"{name} differs" for name in sorted(there & set(files)) if (folder / name).read_text() != files[name]]
    if not stale:
        print(f"{part.name}: {_spoken(folder)}/ is what the code makes")
        return 0
    lines = "\n".join(f"  - {line}" for line in stale)
    print(
        f"{part.name}: {_spoken(folder)}/ is not what the code makes:\n{lines}\n"
        f"Run make review ENV={part.asked}, read what changed, and commit it with the change that made it.",
        file=sys.stderr,
    )
    return 1


def compare(part: Part, base: Path, *, summary: Path | None = None) -> int:
    """Say what became wider and narrower since the documents in ``base``; return the exit status.

    ``summary`` is a file that gets the same as a table, behind what it has.
    """
    with tempfile.TemporaryDirectory(prefix="review-") as folder:
        _write(part.files, Path(folder))
        found = changes(documents_in(base), documents_in(Path(folder)))
    print(printable_lines(comparison(part.name, found, part.policies, asked=part.asked)))
    if summary:
        with summary.open("a") as page:
            page.write(table(part.name, found, part.policies) + "\n")
    return 1 if any(change.wider for change in found) else 0


def _write(files: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    for left_over in _there(folder) - set(files):
        (folder / left_over).unlink()


def _ours(folder: Path) -> bool:
    """Whether a folder is empty or a review's: what is left over in it is deleted."""
    readme = folder / "README.md"
    return not (folder.is_dir() and any(folder.iterdir())) or (
        readme.exists() and readme.read_text().startswith(HEADING)
    )


def _there(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.*") if path.suffix in (".json", ".md")}


def _spoken(folder: Path) -> str:
    resolved = folder.resolve()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(folder)
