"""Write a folder of the review, check it against the code, or compare it with another folder."""

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
from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable_lines


@dataclass(frozen=True)
class Part:
    """The content of one folder: an environment, or the permissions of its CI.

    Attributes:
        name: Name of the folder in the review, such as ``staging`` or ``ci-access/staging``.
        folder: Path of the folder.
        files: Contents of its files, by name.
        policies: The policies in these files.
        env: Name or path of the environment file, for next steps.
    """

    name: str
    folder: Path
    files: Mapping[str, str]
    policies: Sequence[Policy]
    env: str


def write(part: Part) -> int:
    """Write the files, delete those of an earlier review, and return the exit status."""
    if not _may_be_replaced(part.folder):
        print(
            f"{_displayed(part.folder)} is not empty and is not a review. Choose a new or empty folder", file=sys.stderr
        )
        return 2
    _write(part.files, part.folder)
    print(f"{part.name}: {counted(len(part.files), 'file')} in {_displayed(part.folder)}/; start with README.md")
    return 0


def check(part: Part) -> int:
    """Report whether the folder matches the code; return the exit status."""
    folder, files = part.folder, part.files
    there = _there(folder)
    stale = [f"{name} is missing" for name in sorted(set(files) - there)]
    stale += [f"{name} is not part of the review" for name in sorted(there - set(files))]
    stale += [f"{name} differs" for name in sorted(there & set(files)) if (folder / name).read_text() != files[name]]
    if not stale:
        print(f"{part.name}: {_displayed(folder)}/ matches the code")
        return 0
    lines = "\n".join(f"  - {line}" for line in stale)
    print(
        f"{part.name}: {_displayed(folder)}/ does not match the code:\n{lines}\n"
        f"Run make review ENV={part.env}, read the differences, and commit them with the change that caused them.",
        file=sys.stderr,
    )
    return 1


def compare(part: Part, base: Path, *, summary: Path | None = None) -> int:
    """Report how access changed since the documents in ``base``; return the exit status.

    Args:
        part: The folder's content.
        base: The folder to compare with.
        summary: A Markdown file that the changes are appended to, as a table.
    """
    with tempfile.TemporaryDirectory(prefix="review-") as folder:
        _write(part.files, Path(folder))
        differences = changes(documents_in(base), documents_in(Path(folder)))
    print(printable_lines(comparison(part.name, differences, part.policies, env=part.env)))
    if summary:
        with summary.open("a") as page:
            page.write(table(part.name, differences, part.policies) + "\n")
    return 1 if any(change.wider for change in differences) else 0


def _write(files: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    for left_over in _there(folder) - set(files):
        (folder / left_over).unlink()


def _may_be_replaced(folder: Path) -> bool:
    """Return True if the folder is empty or holds a review, so that files in it may be deleted."""
    readme = folder / "README.md"
    return not (folder.is_dir() and any(folder.iterdir())) or (
        readme.exists() and readme.read_text().startswith(HEADING)
    )


def _there(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.*") if path.suffix in (".json", ".md")}


def _displayed(folder: Path) -> str:
    resolved = folder.resolve()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(folder)
