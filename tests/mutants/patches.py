"""Reader of the mutants: patches in this folder, each with one plausible mistake in the product code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent


@dataclass(frozen=True)
class Mutant:
    """One mistake in one line, and the test that catches it.

    Attributes:
        patch: The path of the patch.
        rule: The rule that the product follows and the mutant breaks, in one sentence.
        catches: The test that fails, as ``tests/unit/test_x.py::test_y``.
        file: The file that the mutant changes, relative to the root of the repository.
        before: The changed line and the lines around it, without the mistake.
        after: The same lines with the mistake.
    """

    patch: Path
    rule: str
    catches: str
    file: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """Return the file name of the patch without its extension."""
        return self.patch.stem


def read(patch: Path) -> Mutant:
    """Return the mutant in a patch.

    Raises:
        ValueError: The patch lacks a header line, or does not change exactly one line.
    """
    lines = patch.read_text(encoding="utf-8").splitlines()
    diff = next((number for number, line in enumerate(lines) if line.startswith("--- ")), len(lines))
    header = dict(line.split(": ", 1) for line in lines[:diff] if ": " in line)
    if missing := {"Catches", "Rule"} - header.keys():
        raise ValueError(f"{patch.name}: the header before the diff has no line {' or '.join(sorted(missing))}")
    body = lines[diff + 3 :]
    changed = [line[:1] for line in body if line[:1] != " "]
    if changed != ["-", "+"]:
        raise ValueError(f"{patch.name}: a mutant changes exactly one line, in one hunk of one file")
    return Mutant(
        patch=patch,
        rule=header["Rule"],
        catches=header["Catches"],
        file=lines[diff].removeprefix("--- a/"),
        before="".join(f"{line[1:]}\n" for line in body if line[:1] != "+"),
        after="".join(f"{line[1:]}\n" for line in body if line[:1] != "-"),
    )


def every() -> list[Mutant]:
    """Return all mutants, sorted by name."""
    return [read(patch) for patch in sorted(FOLDER.glob("*.patch"))]
