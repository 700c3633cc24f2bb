"""A secret in a file is reported, committed or not, unless the baseline lists it."""

from __future__ import annotations

import subprocess

import pytest

from tools.committed_secrets import BASELINE, main

# Assembled here, so that this file does not contain a secret.
KEY = "AKIA" + "QRSTUVWX23456YZA"


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("/ignored\n")
    (tmp_path / "clean.py").write_text("answer = 42\n")
    return tmp_path


def test_a_clean_repository_passes(repository, capsys):
    assert main([], repository) == 0
    assert capsys.readouterr().out == "2 files checked, no secrets found\n"


def test_a_key_is_reported_with_its_line_and_never_printed(repository, capsys):
    (repository / "settings.py").write_text(f'# a comment\nkey = "{KEY}"\n')

    assert main([], repository) == 1
    errors = capsys.readouterr().err
    assert "settings.py:2: looks like a secret (AWS Access Key)" in errors
    assert KEY not in errors


def test_files_that_git_ignores_are_not_searched(repository):
    (repository / "ignored").write_text(f'key = "{KEY}"\n')

    assert main([], repository) == 0


def test_an_accepted_secret_may_move_in_its_file_but_not_to_another_file(repository):
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
    assert capsys.readouterr().out.startswith("1 file ")
    assert main(["clean.py", "settings.py", ".secrets.baseline"], repository) == 1


def test_a_folder_that_is_not_a_repository_is_an_error(tmp_path, capsys):
    assert main([], tmp_path) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_tests_may_contain_made_up_passwords_but_not_keys(repository):
    (repository / "tests").mkdir()
    (repository / "tests" / "test_it.py").write_text("password = 'made-up-4711'\n")
    assert main([], repository) == 0

    (repository / "tests" / "test_it.py").write_text(f'key = "{KEY}"\n')
    assert main([], repository) == 1
