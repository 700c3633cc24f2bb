"""Validity of the mutants: each one applies to the code, and the test that it names exists."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from tests.mutants.patches import ROOT, Mutant, every, read

MUTANTS = every()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_in_exactly_one_place(mutant: Mutant) -> None:
    check = ["git", "apply", "--check", "--recount", str(mutant.patch)]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # A patch has few context lines, so it could apply in a second place.
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.before) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_product_code_and_stays_valid_python(mutant: Mutant) -> None:
    assert mutant.file.startswith(("infra/", "job/vpc_flow_logs/"))
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    ast.parse(text.replace(mutant.before, mutant.after))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_test_that_a_mutant_names_exists(mutant: Mutant) -> None:
    file, _, function = mutant.catches.partition("::")
    names = [node.name for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body if hasattr(node, "name")]
    assert function in names


def test_mutants_have_consecutive_numbers_and_are_distinct() -> None:
    numbers = [mutant.name.split("-")[0] for mutant in MUTANTS]
    assert numbers == [f"{number:02}" for number in range(1, len(MUTANTS) + 1)]
    assert len({mutant.after for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Rule: x\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", "has no line Catches"),
        ("Catches: x\nRule: x\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n-b\n+b\n", "exactly one line"),
        ("Catches: x\nRule: x\n", "exactly one line"),
    ],
)
def test_an_invalid_patch_is_rejected(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "01-x.patch").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read(tmp_path / "01-x.patch")
