"""The review: written documents, their check, and the comparison with a base."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.config import load
from infra.iam import policies
from infra.review.__main__ import FOLDER, main, review, templates
from tests.support.environment_files import EXISTING, STACK, VARIANTS, changed, environment
from tests.support.golden import golden

_FILE = "test.toml"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / _FILE).write_text(changed())
    monkeypatch.chdir(tmp_path)
    return _FILE


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_policy_documents_match_the_committed_ones(variant: str, tmp_path: Path, update: bool) -> None:
    documents = {
        policy.file: policy.document for policy in policies.policies(environment(tmp_path, *VARIANTS[variant]))
    }
    text = json.dumps(documents, indent=2, sort_keys=True, ensure_ascii=False)
    golden(Path(__file__).parent / "documents" / f"{variant}.json", f"{text}\n", update=update)


@pytest.mark.parametrize("name", ["minimal", "staging", "production"])
def test_the_committed_review_matches_the_code(name: str, update: bool) -> None:
    if update:
        assert main(["--env", name]) == 0
    committed = {path.name: path.read_text() for path in (FOLDER / name).iterdir()}
    assert committed == review(load(name)), f"run make review ENV={name}, and commit the result"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_document_of_a_template_comes_from_a_reviewed_policy(variant: str, tmp_path: Path) -> None:
    # review() fails if one of our documents is in no template. This test proves the reverse.
    files = review(environment(tmp_path, *VARIANTS[variant]))
    assert [file for file in files if file.startswith("cdk-")] == []


def test_the_review_of_an_existing_bucket_has_the_statements_to_add_before_the_deploy(tmp_path: Path) -> None:
    files = review(environment(tmp_path, EXISTING, STACK))
    before = json.loads(files["log-bucket-policy-before-deploy.json"])["Statement"]
    assert [statement["Sid"] for statement in before] == [
        "AWSLogDeliveryWrite111122223333useast1",
        "AWSLogDeliveryAclCheck111122223333useast1",
    ]
    assert "once the reader role exists" in files["README.md"]


def _with(template: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**template, "Resources": {**template["Resources"], **more}}


def test_a_document_on_an_additional_role_is_in_the_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = environment(tmp_path)
    ((template, *place),) = templates(settings)
    (policy,) = (item for item in template["Resources"].values() if item["Type"] == "AWS::IAM::Policy")
    on_two_roles = {**policy, "Properties": {**policy["Properties"], "Roles": ["databricks-cross-account", "other"]}}
    for more in ({"Another": policy}, {"Both": on_two_roles}):
        monkeypatch.setattr("infra.review.__main__.templates", lambda _, more=more: [(_with(template, **more), *place)])
        (file,) = (file for file in review(settings) if file.startswith("cdk-"))
        assert json.loads(review(settings)[file]) == policy["Properties"]["PolicyDocument"]


def test_a_lambda_permission_is_in_the_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = environment(tmp_path)
    ((template, *place),) = templates(settings)
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "f",
        "Principal": "s3.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }
    permission = {"Type": "AWS::Lambda::Permission", "Properties": properties}
    monkeypatch.setattr("infra.review.__main__.templates", lambda _: [(_with(template, Invoke=permission), *place)])
    (statement,) = json.loads(review(settings)["cdk-invoke-permission.json"])["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "f",
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    }


@pytest.mark.parametrize(
    "change",
    [("role/databricks-cross-account", "role/other"), ('"flow-log-reader"', '"other-reader"')],
    ids=["cross-account role", "reader role"],
)
def test_access_that_moves_to_another_role_is_wider(
    change: tuple[str, str], file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", file, "--output", "base"]) == 0
    (tmp_path / file).write_text(changed(change))
    assert main(["--env", file, "--against", "base"]) == 1
    assert "WIDER: cross-account-pass-role.json, statement PassFlowLogReader" in capsys.readouterr().out


def test_a_written_review_passes_the_check_until_a_file_is_stale(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--env", file, "--output", "out"]
    assert main(arguments) == 0
    assert re.fullmatch(r"test: \d+ files in out/; start with README.md\n", capsys.readouterr().out)
    assert main([*arguments, "--check"]) == 0
    capsys.readouterr()
    (tmp_path / "out/reader-role-s3.json").write_text("{}")
    (tmp_path / "out/cross-account-pass-role.json").unlink()
    (tmp_path / "out/old.json").write_text("{}")
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().err == (
        "test: out/ does not match the code:\n"
        "  - cross-account-pass-role.json is missing\n"
        "  - old.json is not part of the review\n"
        "  - reader-role-s3.json differs\n"
        "Run make review ENV=test.toml, read the differences, and commit them with the change that caused them.\n"
    )
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0


def test_the_review_of_a_file_outside_the_repository_is_written_next_to_it(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise it could overwrite a committed review."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "staging.toml").write_text(changed())
    committed = {path: path.read_text() for path in (repository / "review/staging").iterdir()}
    assert main(["--env", str(elsewhere / "staging.toml")]) == 0
    assert f"in {elsewhere}/review/staging/; start with README.md" in capsys.readouterr().out
    assert main(["--env", str(elsewhere / "staging.toml"), "--check"]) == 0
    assert {path: path.read_text() for path in (repository / "review/staging").iterdir()} == committed


def test_a_review_without_an_environment_file_is_reported_and_skipped(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "review/mine").mkdir()
    (repository / "review/mine/README.md").write_text("# Who may do what: mine\n")
    for arguments, status in (([], 0), (["--check"], 1), (["--against-revision", "whole"], 0)):
        assert main(arguments) == status
        output = capsys.readouterr()
        assert "mine: review/mine/ was not changed, because environments/mine.toml does not exist. Delete" in output.err
        assert output.out.startswith("staging: ")


def test_a_folder_that_is_not_a_review_is_not_overwritten(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/package.json").write_text("{}")
    assert main(["--env", file, "--output", "mine"]) == 2
    assert "mine is not empty and is not a review" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["package.json"]


def test_wider_access_than_the_base_fails_with_the_grant(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", file, "--output", "base"]) == 0
    capsys.readouterr()
    assert main(["--env", file, "--against", "base"]) == 0
    assert capsys.readouterr().out == "test: access is unchanged\n"
    (tmp_path / "base/reader-role-s3.json").write_text(
        (tmp_path / "base/reader-role-s3.json").read_text().replace('"s3:GetBucketLocation",', "")
    )
    assert main(["--env", file, "--against", "base"]) == 1
    assert capsys.readouterr().out == (
        "test: access became wider (1 grant)\n"
        "\n"
        "WIDER: reader-role-s3.json, statement FindLogs (Inline policy s3 of the reader role flow-log-reader)\n"
        "    new: arn:aws:iam::111122223333:role/flow-log-reader: s3:GetBucketLocation on "
        "arn:aws:s3:::flow-logs-bucket\n"
        "    reason: The job lists delivered files. This shows the names of all keys in the bucket, but no "
        "contents. A condition on the prefix would deny HeadBucket, which S3 clients call first\n"
        "\n"
        "To accept this: run make review ENV=test.toml, commit review/test/, and have your IAM reviewer approve\n"
        "the pull request with this list. After the merge, the base branch has the change, and this check passes.\n"
    )


def test_narrower_access_than_the_base_passes(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", file, "--output", "base"]) == 0
    capsys.readouterr()
    (tmp_path / "base/reader-role-s3.json").write_text(
        (tmp_path / "base/reader-role-s3.json").read_text().replace("AWSLogs/*", "*")
    )
    assert main(["--env", file, "--against", "base"]) == 0
    assert capsys.readouterr().out.startswith("test: access became narrower\n\nnarrower: reader-role-s3.json")


def test_the_grants_of_a_new_environment_fit_on_one_screen(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base").mkdir()
    assert main(["--env", file, "--against", "base"]) == 1
    output = capsys.readouterr().out
    assert re.match(
        r"test: access became wider \(\d\d+ grants\)\n\nWIDER: cross-account-pass-role.json, statement PassFlow", output
    )
    assert "reader-role-notifications.json, reader-role-s3.json, reader-role-trust.json" in output
    assert len(output.splitlines()) <= 40


def _git(repository: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(repository), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with three commits.

    The first has no review. Tag `narrow` has the review of staging without one action, and tag `whole` has all of it.
    """
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    _git(folder, "commit", "--quiet", "--allow-empty", "-m", "nothing")
    shutil.copytree(FOLDER / "staging", folder / "review/staging")
    reader = folder / "review/staging/reader-role-s3.json"
    whole = reader.read_text()
    reader.write_text(whole.replace('"s3:GetBucketLocation",', ""))
    for text, tag in ((reader.read_text(), "narrow"), (whole, "whole")):
        reader.write_text(text)
        _git(folder, "add", "review")
        _git(folder, "commit", "--quiet", "-m", tag)
        _git(folder, "tag", tag)
    monkeypatch.setattr("infra.review.__main__.FOLDER", folder / "review")
    return folder


def test_the_review_is_compared_with_a_git_revision(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against-revision", "whole"]) == 0
    assert capsys.readouterr().out == "staging: access is unchanged\n"
    assert main(["--against-revision", "narrow"]) == 1
    assert "role/flow-log-reader-staging: s3:GetBucketLocation on arn:aws:s3:::example" in capsys.readouterr().out
    # The comparison uses the working tree, not the last commit, and does not change it.
    assert main(["--env", "staging", "--against-revision", "narrow~1"]) == 1
    assert re.match(r"staging: access became wider \(\d\d+ grants\)", capsys.readouterr().out)
    status = subprocess.run(["git", "-C", str(repository), "status", "--short"], check=True, capture_output=True)
    assert status.stdout == b""


def test_an_environment_without_a_review_in_the_working_tree_is_compared(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(repository / "review/staging")
    assert main(["--against-revision", "narrow"]) == 1
    assert "staging: access became wider (1 grant)" in capsys.readouterr().out


@pytest.mark.parametrize("revision", ["nowhere", "HEAD:review", "--help"])
def test_an_unknown_revision_is_reported(revision: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--against-revision={revision}"]) == 2
    assert capsys.readouterr().err == (
        f"{revision} is not a revision of this repository. You may have to fetch it first (git fetch origin main "
        "for origin/main)\n"
    )
    assert repository.is_dir()


def test_an_unreadable_base_and_an_unwritable_folder_are_reported(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/queue-policy.json").write_text("<<<<<<< HEAD")
    assert main(["--env", file, "--against", "base"]) == 2
    assert "base/queue-policy.json is not valid JSON (" in capsys.readouterr().err
    assert main(["--env", file, "--output", file]) == 2
    assert capsys.readouterr().err == f"{file}: File exists. No further files were written\n"
    assert (tmp_path / file).read_text() == changed()


def test_invalid_input_is_reported(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text(changed(('region = "us-east-1"', 'region = "mars"')))
    assert main(["--env", "bad.toml"]) == 2
    assert "bad.toml: 1 problem; nothing was created or changed:" in capsys.readouterr().err
    assert main(["--env", file, "--against", "nowhere"]) == 2
    assert capsys.readouterr().err == "--against nowhere: the folder does not exist\n"
    with pytest.raises(SystemExit) as exit_:
        main(["--output", "x"])
    assert exit_.value.code == 2
    assert not (tmp_path / "x").exists()
