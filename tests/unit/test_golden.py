"""``pytest --update`` writes the golden texts that differ; without it, such tests fail and show the difference."""

import json
from pathlib import Path

import pytest

from tests.support.golden import golden

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[1] / "conftest.py"
MODULE = """
from pathlib import Path

import pytest
from tests.support.golden import golden

@pytest.mark.parametrize("name", ["same", "changed", "new"])
def test_text(name, update):
    golden(Path(FOLDER) / "golden" / f"{name}.txt", f"line 1\\nof {name}\\n", update=update)
"""


@pytest.fixture
def folder(pytester):
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(test_golden_texts=f"FOLDER = {json.dumps(str(pytester.path))}\n{MODULE}")
    texts = pytester.mkdir("golden")
    (texts / "same.txt").write_text("line 1\nof same\n", encoding="utf-8")
    (texts / "changed.txt").write_text("line 1\nof before\n", encoding="utf-8")
    return texts


def contents(folder):
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def test_the_update_flag_writes_golden_texts_that_differ_so_that_the_next_run_passes(pytester, folder):
    run = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--update", "-rP")

    run.assert_outcomes(passed=3)
    assert contents(folder) == {f"{name}.txt": f"line 1\nof {name}\n" for name in ("same", "changed", "new")}
    assert [line for line in run.outlines if line.startswith("wrote ")] == [
        f"wrote {folder / 'changed.txt'}",
        f"wrote {folder / 'new.txt'}",
    ]
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_without_the_update_flag_nothing_is_written_and_the_difference_is_shown(pytester, folder):
    before = contents(folder)
    run = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    run.assert_outcomes(passed=1, failed=2)
    assert contents(folder) == before
    run.stdout.fnmatch_lines(["*changed.txt differs.*--update*", "-of before", "+of changed", "*new.txt is missing.*"])


def test_a_golden_text_is_named_by_its_path_in_the_repository():
    with pytest.raises(pytest.fail.Exception, match=r"^tests/unit/none\.txt is missing\."):
        golden(Path(__file__).parent / "none.txt", "text", update=False)
