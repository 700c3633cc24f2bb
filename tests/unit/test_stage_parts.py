"""The parts of the stage that start no process: its environment file, its folder, and its view of CDK output."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.config import ENVIRONMENTS, load
from local.stage.cdk import event
from local.stage.customer import fitted
from local.stage.folder import FolderError, own_folder

HOST = "http://127.0.0.1:4711"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:databricks/local-XyZ012"


def test_the_local_environment_is_valid_with_the_host_and_the_secret_of_the_stage(tmp_path: Path) -> None:
    file = tmp_path / "local.toml"
    file.write_text(fitted((ENVIRONMENTS / "local.toml").read_text(), host=HOST, secret_arn=SECRET))
    changed, original = load(str(file)), load("local")
    assert changed.workspace is not None
    assert original.workspace is not None
    assert (changed.workspace.host, changed.workspace.secret_arn) == (HOST, SECRET)
    assert changed.workspace.model_copy(update={"host": original.workspace.host, "secret_arn": ""}) == (
        original.workspace.model_copy(update={"secret_arn": ""})
    )
    assert changed.model_copy(update={"workspace": None}) == original.model_copy(update={"workspace": None})


def test_a_file_without_a_host_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 lines that set host"):
        fitted('[workspace]\nsecret_arn = "x"\n', host=HOST, secret_arn=SECRET)


def test_the_folder_of_a_stage_is_removed_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "stage"

    def interrupted() -> None:
        with own_folder(folder):
            (folder / "some" / "deep").mkdir(parents=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not folder.exists()


def test_files_of_an_earlier_stage_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    with own_folder(folder):
        mark = next(folder.iterdir()).name
    folder.mkdir()
    (folder / mark).touch()
    (folder / "left").touch()
    with own_folder(folder):
        assert not (folder / "left").exists()


def test_a_folder_with_other_files_is_rejected_and_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(FolderError, match="files that no stage created"), own_folder(tmp_path):
        pass
    assert (tmp_path / "mine").exists()


def test_a_second_stage_in_the_same_folder_is_rejected(tmp_path: Path) -> None:
    with own_folder(tmp_path / "stage") as folder:
        with pytest.raises(FolderError, match="Another stage uses"), own_folder(folder):
            pass
        assert folder.exists()


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("s |  4/22 | 12:18 AM | CREATE_COMPLETE | AWS::IAM::Role | R/Role (R0E4DB)", "AWS::IAM::Role R/Role"),
        ("s |  4/22 | 12:18 AM | DELETE_SKIPPED  | AWS::S3::Bucket | B/Bucket (B81C)", "AWS::S3::Bucket B/Bucket"),
        ("s | 4/22 | 12:18 AM | CREATE_FAILED | Custom::X | I/R (I47) Error: why (not)", "I/R (I47) Error: why (not)"),
    ],
)
def test_a_resource_event_is_summarized(line: str, summary: str) -> None:
    assert (event(line) or "").endswith(summary)


def test_other_lines_of_cdk_are_not_resource_events() -> None:
    assert event("s |  1/22 | 12:18 AM | CREATE_IN_PROGRESS | AWS::IAM::Role | R/Role (R0E4DB)") is None
    assert event("Synthesis time: 5.26s") is None
