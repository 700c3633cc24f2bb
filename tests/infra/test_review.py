from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from infra import access
from infra.config import load
from infra.review import FOLDER, main, review
from tests.infra.environment_files import EXISTING, STACK, VARIANTS, changed, environment

_GOOD = "test.toml"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / _GOOD).write_text(changed())
    monkeypatch.chdir(tmp_path)
    return _GOOD


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_documents_are_those_of_the_snapshot(variant: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    found = access.policies(environment(tmp_path, *VARIANTS[variant]))
    assert {policy.file: policy.document for policy in found} == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("name", ["staging", "production"])
def test_the_committed_review_is_what_the_code_makes(name: str) -> None:
    committed = {path.name: path.read_text() for path in (FOLDER / name).iterdir()}
    assert committed == review(load(name)), f"run make review ENV={name}, and commit what changed"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_document_of_a_template_is_in_the_review(variant: str, tmp_path: Path) -> None:
    # review() itself fails when a document of ours is in no template; here: nothing else is in one.
    files = review(environment(tmp_path, *VARIANTS[variant]))
    assert [file for file in files if file.startswith("cdk-")] == []


def test_the_review_of_an_existing_bucket_has_what_to_add_before_and_after(tmp_path: Path) -> None:
    files = review(environment(tmp_path, EXISTING, STACK))
    before = json.loads(files["log-bucket-policy-before-deploy.json"])["Statement"]
    assert [statement["Sid"] for statement in before] == [
        "AWSLogDeliveryWrite111122223333useast1",
        "AWSLogDeliveryAclCheck111122223333useast1",
    ]
    assert "once the reader role exists" in files["README.md"]


def test_writing_checking_and_a_stale_file(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--env", file, "--output", "out"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "test: 14 files in out/, beginning with README.md\n"
    assert main([*arguments, "--check"]) == 0
    capsys.readouterr()
    (tmp_path / "out/reader-role-s3.json").write_text("{}")
    (tmp_path / "out/cross-account-pass-role.json").unlink()
    (tmp_path / "out/old.json").write_text("{}")
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().err == (
        "test: out/ is not what the code makes:\n"
        "  - cross-account-pass-role.json is missing\n"
        "  - old.json is left over\n"
        "  - reader-role-s3.json differs\n"
        "Run make review ENV=test, read what changed, and commit it with the change that made it.\n"
    )
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0


def test_a_folder_of_others_is_left_alone(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/package.json").write_text("{}")
    assert main(["--env", file, "--output", "mine"]) == 2
    assert "mine holds other files than a review" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["package.json"]


def test_against_a_base_that_allowed_less(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", file, "--output", "base"]) == 0
    capsys.readouterr()
    assert main(["--env", file, "--against", "base"]) == 0
    assert capsys.readouterr().out == "test: access is what it was\n"
    (tmp_path / "base/reader-role-s3.json").write_text(
        (tmp_path / "base/reader-role-s3.json").read_text().replace('"s3:GetBucketLocation",', "")
    )
    assert main(["--env", file, "--against", "base"]) == 1
    assert capsys.readouterr().out == (
        "test: 1 grant became wider\n"
        "\n"
        "WIDER: reader-role-s3.json, statement FindLogs\n"
        "    new: s3:GetBucketLocation on arn:aws:s3:::flow-logs-bucket\n"
        "    why it is there: the job lists delivered files; this shows names of keys, in the whole bucket, and no "
        "contents\n"
        "\n"
        "To accept it: run make review ENV=test, commit review/test/, and let who answers for IAM approve the\n"
        "pull request with this list at hand. Once it is merged, the base has it and this check passes again.\n"
    )


def test_against_a_base_that_allowed_more(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", file, "--output", "base"]) == 0
    capsys.readouterr()
    (tmp_path / "base/reader-role-s3.json").write_text(
        (tmp_path / "base/reader-role-s3.json").read_text().replace("AWSLogs/*", "*")
    )
    assert main(["--env", file, "--against", "base"]) == 0
    assert capsys.readouterr().out.startswith("test: access became narrower\n\nnarrower: reader-role-s3.json")


def test_wrong_input_is_answered(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text(changed(('region = "us-east-1"', 'region = "mars"')))
    assert main(["--env", "bad.toml"]) == 2
    assert "bad.toml: 1 problem; nothing was made or changed:" in capsys.readouterr().err
    assert main(["--env", file, "--against", "nowhere"]) == 2
    assert capsys.readouterr().err == "--against nowhere: there is no such folder\n"
    with pytest.raises(SystemExit) as exit_:
        main(["--output", "x"])
    assert exit_.value.code == 2
    assert not (tmp_path / "x").exists()
