"""Read the mutants: files next to this one, each with one mistake that a person could make in the product's code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent


@dataclass(frozen=True)
class Mutant:
    """A mutant.

    Attributes:
        patch: The file.
        rule: What the product does and the mutant does not, in one sentence.
        catches: The test that fails, as ``tests/unit/test_x.py::test_y``.
        file: The file that it changes, from the root of the repository.
        before: The changed line and those around it, without the mistake.
        after: The same lines with it.
    """

    patch: Path
    rule: str
    catches: str
    file: str
    before: str
    after: str

    @property
    def name(self) -> str:
        return self.patch.stem


def read(patch: Path) -> Mutant:
    """Return the mutant in a file.

    Raises:
        ValueError: The file lacks a line of the header, or does not change exactly one line.
    """
    lines = patch.read_text(encoding="utf-8").splitlines()
    diff = next((number for number, line in enumerate(lines) if line.startswith("--- ")), len(lines))
    header = dict(line.split(": ", 1) for line in lines[:diff] if ": " in line)
    if missing := {"Catches", "Rule"} - header.keys():
        raise ValueError(f"{patch.name}: no line {' or '.join(sorted(missing))} before the diff")
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
    """Return all mutants, by name."""
    return [read(patch) for patch in sorted(FOLDER.glob("*.patch"))]
