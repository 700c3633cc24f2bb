"""The mutants stay true: each still applies to the code, and the test that it names is there."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from tests.mutants.patches import ROOT, Mutant, every, read

MUTANTS = every()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_in_one_place(mutant: Mutant) -> None:
    check = ["git", "apply", "--check", "--recount", str(mutant.patch)]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # With so few lines around it, it could apply somewhere else.
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.before) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_a_mistake_in_product_code_that_python_can_run(mutant: Mutant) -> None:
    assert mutant.file.startswith(("infra/", "job/vpc_flow_logs/"))
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    ast.parse(text.replace(mutant.before, mutant.after))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_named_test_exists(mutant: Mutant) -> None:
    file, _, function = mutant.catches.partition("::")
    names = [node.name for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body if hasattr(node, "name")]
    assert function in names


def test_mutants_are_numbered_and_no_two_are_the_same() -> None:
    numbers = [mutant.name.split("-")[0] for mutant in MUTANTS]
    assert numbers == [f"{number:02}" for number in range(1, len(MUTANTS) + 1)]
    assert len({mutant.after for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Rule: x\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", "no line Catches"),
        ("Catches: x\nRule: x\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n-b\n+b\n", "exactly one line"),
        ("Catches: x\nRule: x\n", "exactly one line"),
    ],
)
def test_a_file_that_is_not_a_mutant_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "01-x.patch").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read(tmp_path / "01-x.patch")
