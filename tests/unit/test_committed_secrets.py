"""A secret in a file is told, whether or not it is committed yet; what is listed is not."""

from __future__ import annotations

import subprocess

import pytest

from tools.committed_secrets import BASELINE, main

# Put together here, so that this file has no secret in it.
KEY = "AKIA" + "QRSTUVWX23456YZA"


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/ignored\n")
    (tmp_path / "clean.py").write_text("answer = 42\n")
    return tmp_path


def test_a_clean_repository_is_told_to_be_one(repository, capsys):
    assert main([], repository) == 0
    assert capsys.readouterr().out == "2 files checked, no secrets found\n"


def test_a_key_is_told_with_its_place_and_never_repeated(repository, capsys):
    (repository / "settings.py").write_text(f'# ours\nkey = "{KEY}"\n')

    assert main([], repository) == 1
    told = capsys.readouterr().err
    assert "settings.py:2: looks like a secret (AWS Access Key)" in told
    assert KEY not in told


def test_what_git_ignores_is_not_looked_at(repository):
    (repository / "ignored").write_text(f'key = "{KEY}"\n')

    assert main([], repository) == 0


def test_what_is_accepted_may_move_and_may_not_go_elsewhere(repository):
    (repository / "settings.py").write_text(f'key = "{KEY}"\n')
    assert main(["--accept"], repository) == 0
    assert KEY not in (repository / BASELINE).read_text()

    (repository / "settings.py").write_text(f'# moved\n\nkey = "{KEY}"\n')
    assert main([], repository) == 0

    (repository / "other.py").write_text(f'key = "{KEY}"\n')
    assert main([], repository) == 1


def test_only_the_named_files_are_searched(repository, capsys):
    (repository / "settings.py").write_text(f'key = "{KEY}"\n')

    assert main(["clean.py"], repository) == 0
    assert capsys.readouterr().out.startswith("1 files")
    assert main(["clean.py", "settings.py", ".secrets.baseline"], repository) == 1


def test_a_folder_that_is_no_repository_is_told(tmp_path, capsys):
    assert main([], tmp_path) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_tests_may_make_values_up_but_keys_are_keys(repository):
    (repository / "tests").mkdir()
    (repository / "tests" / "test_it.py").write_text("password = 'made-up-4711'\n")
    assert main([], repository) == 0

    (repository / "tests" / "test_it.py").write_text(f'key = "{KEY}"\n')
    assert main([], repository) == 1
