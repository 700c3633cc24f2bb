"""Changes that `python -m local.ingest` makes to the job's parameters, and the problems that it reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.parameters import absolute, listing, local_folder, nothing_there, problems_here


def test_relative_local_paths_become_absolute_in_both_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [
        "--vpc-logs-path=in/*",
        "--checkpoint-path",
        "out/",
        "--delta-output-path",
        "./a/../b",
        "--headers",
        "a/b",
    ]
    assert absolute(arguments) == [
        f"--vpc-logs-path={tmp_path}/in/*",
        "--checkpoint-path",
        f"{tmp_path}/out",
        "--delta-output-path",
        f"{tmp_path}/b",
        "--headers",
        "a/b",
    ]


def test_other_paths_are_not_changed() -> None:
    arguments = [
        "--vpc-logs-path=s3://b/AWSLogs/*",
        "--checkpoint-path=file:/x",
        "--delta-output-path=",
        "--table-name=a/b",
    ]
    assert absolute(arguments) == arguments
    assert absolute(["--delta-output-path", "", "--checkpoint-path"]) == [
        "--delta-output-path",
        "",
        "--checkpoint-path",
    ]


def test_a_parameter_without_a_value_does_not_consume_the_next() -> None:
    arguments = ["--checkpoint-path", "--table-name=x"]
    assert absolute(arguments) == arguments


def test_only_folders_on_this_machine_are_local() -> None:
    assert local_folder("/x") == local_folder("file:/x") == local_folder("file:///x") == Path("/x")
    assert local_folder("s3://b/x") is None
    assert local_folder("") is None


def test_values_that_only_databricks_supports_are_reported() -> None:
    assert problems_here({"table-name": "flows.vpc", "checkpoint-path": "/x"}) == []
    assert problems_here({}) == []
    table, checkpoint = problems_here({"table-name": "main.flows.vpc", "checkpoint-path": "s3://b/x"})
    assert table == "--table-name: local Spark has no catalog 'main'; use flows.vpc"
    assert checkpoint.startswith("--checkpoint-path: 's3://b/x' is not on this machine")


def test_a_glob_below_a_missing_folder_is_reported_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    valid = {"vpc-logs-path": f"{tmp_path}/logs/AWSL*/x/*", "checkpoint-path": "/x"}
    assert problems_here(valid) == []
    assert problems_here({**valid, "vpc-logs-path": "s3://flow-logs/AWSLogs/*"}) == []
    (problem,) = problems_here({**valid, "vpc-logs-path": f"{tmp_path}/log/AWSLogs/*"})
    assert problem.startswith(f"--vpc-logs-path: folder {tmp_path}/log/AWSLogs")


def test_a_missing_logs_path_is_reported_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "one.log").touch()
    valid = {"checkpoint-path": "/x"}
    for path in (f"{tmp_path}", f"{tmp_path}/", f"{tmp_path}/one.log", f"file:{tmp_path}", f"{tmp_path}/*"):
        assert problems_here({**valid, "vpc-logs-path": path}) == []
    for path in (f"{tmp_path}/nosuch", f"{tmp_path}/nosuch/", f"file://{tmp_path}/nosuch", f"{tmp_path}/nosuch/*"):
        (problem,) = problems_here({**valid, "vpc-logs-path": path})
        assert problem == f"--vpc-logs-path: folder {tmp_path}/nosuch does not exist; name an existing folder"


def test_an_existing_folder_with_glob_characters_in_its_name_is_read_literally(tmp_path: Path) -> None:
    logs = tmp_path / "logs [prod] {a"
    (logs / "AWSLogs").mkdir(parents=True)
    assert problems_here({"vpc-logs-path": f"{logs}", "checkpoint-path": "/x"}) == []
    assert problems_here({"vpc-logs-path": f"{logs}/AWSLogs/*", "checkpoint-path": "/x"}) == []
    (problem,) = problems_here({"vpc-logs-path": f"{logs}/AWSLog/*/x", "checkpoint-path": "/x"})
    assert problem == f"--vpc-logs-path: folder {logs}/AWSLog does not exist; name an existing folder"
    (problem,) = problems_here({"vpc-logs-path": f"{tmp_path}/other {{a", "checkpoint-path": "/x"})
    assert "a brace is never closed" in problem


def test_a_pattern_without_matching_files_is_reported(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    pattern = f"{tmp_path}/logs/*/vpcflowlogs/*"
    assert (nothing_there(pattern) or "").startswith(f"note: no file matches {pattern}; ")
    (tmp_path / "logs" / "_half.log").touch()
    assert nothing_there(f"{tmp_path}/logs") is not None
    file = tmp_path / "logs" / "AWSLogs" / "vpcflowlogs" / "a.log"
    file.parent.mkdir(parents=True)
    file.touch()
    assert nothing_there(pattern) is None
    assert nothing_there("s3://bucket/AWSLogs/*") is None
    assert "folder does not exist" in (nothing_there(f"{tmp_path}/gone") or "")


def test_a_bucket_is_listed_unless_notifications_are_requested() -> None:
    bucket = ["--vpc-logs-path=s3://b/AWSLogs/*"]
    assert listing(bucket) == [*bucket, "--notifications=off"]
    for notifications in (["--notifications=auto-loader"], ["--notifications", "queue"], ["--queue-url", "https://x"]):
        assert listing([*bucket, *notifications]) == [*bucket, *notifications]
    folder = ["--vpc-logs-path", "/logs"]
    assert listing(folder) == folder
