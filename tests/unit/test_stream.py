"""A stream on a prefix without files waits or succeeds; every other error is a failure."""

from __future__ import annotations

from typing import Any

import pytest

from vpc_flow_logs import missing, stream
from vpc_flow_logs.folders import DbutilsFolders
from vpc_flow_logs.parameters import Parameters

pytestmark = pytest.mark.lts

LOGS = "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1"
NO_FILES = (
    f"[CF_PATH_DOES_NOT_EXIST_FOR_READ_FILES] The path {LOGS} does not exist",
    f"[PATH_NOT_FOUND] Path does not exist: {LOGS}/. SQLSTATE: 42K03",
    f"java.io.FileNotFoundException: No such file or directory: {LOGS}/*",
)
FAILURES = (
    "com.amazonaws NoSuchBucket: The specified bucket does not exist (flow-logs)",
    "[TABLE_OR_VIEW_NOT_FOUND] The table does not exist",
    f"Access Denied: {LOGS}",
)


def parameters(trigger: str, logs: str = f"{LOGS}/*") -> Parameters:
    return Parameters(
        vpc_logs_path=logs,
        delta_output_path="",
        checkpoint_path="/Volumes/network/flow_logs/checkpoints/a",
        table_name="network.flow_logs.a",
        region_name="us-east-1",
        headers=("version",),
        trigger=trigger,
    )


class NothingGone:
    """A sink without missing files to report."""

    def __init__(self) -> None:
        self.missing_files: list[str] = []


class Query:
    def awaitTermination(self) -> None: ...

    def stop(self) -> None: ...


def fail_first_starts(monkeypatch: pytest.MonkeyPatch, *texts: str) -> list[float]:
    """Make the first starts of the stream fail with these messages; return the list of wait times in seconds."""
    waits: list[float] = []
    left = list(texts)

    def started(*_: Any, **__: Any) -> Query:
        if left:
            raise RuntimeError(left.pop(0))
        return Query()

    monkeypatch.setattr(stream, "_started", started)
    monkeypatch.setattr(stream.time, "sleep", waits.append)
    return waits


@pytest.mark.parametrize("text", NO_FILES)
def test_a_continuous_run_reports_that_there_are_no_files_yet_and_retries_every_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    waits = fail_first_starts(monkeypatch, text, text)
    stream.run(None, parameters("continuous"), NothingGone())  # type: ignore[arg-type]
    assert waits == [60.0, 60.0]
    assert capsys.readouterr().out == f"no files yet below {LOGS}/*; checking again every minute\n"


@pytest.mark.parametrize("text", NO_FILES)
def test_an_available_now_run_without_files_succeeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    waits = fail_first_starts(monkeypatch, text)
    stream.run(None, parameters("available-now"), NothingGone())  # type: ignore[arg-type]
    assert waits == []
    assert capsys.readouterr().out == f"no files yet below {LOGS}/*\n"


@pytest.mark.parametrize("text", FAILURES)
@pytest.mark.parametrize("trigger", ["continuous", "available-now"])
def test_a_missing_bucket_and_a_denial_are_failures(monkeypatch: pytest.MonkeyPatch, trigger: str, text: str) -> None:
    fail_first_starts(monkeypatch, text)
    with pytest.raises(RuntimeError):
        stream.run(None, parameters(trigger), NothingGone())  # type: ignore[arg-type]


def test_a_missing_local_folder_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_first_starts(monkeypatch, "[PATH_NOT_FOUND] Path does not exist: file:/logs")
    with pytest.raises(RuntimeError):
        stream.run(None, parameters("continuous", "/logs"), NothingGone())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (
            f"[FILE_NOT_EXIST] Encountered error while reading file {LOGS}/a b.log.gz. File does not exist.",
            f"{LOGS}/a b.log.gz",
        ),
        (f"java.io.FileNotFoundException: No such file or directory: {LOGS}/a.log.gz", f"{LOGS}/a.log.gz"),
        (f"FileNotFoundException: No such file or directory: s3a{LOGS[2:]}/a.log.gz; x", f"{LOGS}/a.log.gz"),
        (f"java.io.FileNotFoundException: No such file or directory: {LOGS}", None),
        ("java.io.FileNotFoundException: No such file or directory: s3://lake/table/_delta_log/0.json", None),
        (f"Access Denied: {LOGS}/a.log.gz", None),
    ],
)
def test_the_missing_file_is_read_from_messages_of_spark_and_hadoop(text: str, gone: str | None) -> None:
    assert missing.gone_file(RuntimeError(f"Task failed\n{text}\n"), f"{LOGS}/*") == gone


class Listed:
    """A `dbutils.fs` whose `ls` returns one answer and records the requested paths."""

    def __init__(self, answer: Exception | list[Any]) -> None:
        self.answer, self.paths = answer, list[str]()

    def ls(self, path: str) -> list[Any]:
        self.paths.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "is_missing"),
    [
        (Exception("UnknownStoreException: `s3://flow-logs/AWSLogs': The specified bucket does not exist"), True),
        (Exception("AmazonS3Exception: The bucket is not there (Error Code: NoSuchBucket)"), True),
        (Exception("AccessDenied: not authorized to perform: s3:ListBucket"), False),
        (Exception("java.io.FileNotFoundException: No such file or directory: s3://flow-logs/AWSLogs"), False),
        ([], False),
    ],
    ids=["S3A", "S3", "denied", "no object yet", "empty"],
)
def test_only_a_nonexistent_bucket_is_reported_as_missing(answer: Exception | list[Any], is_missing: bool) -> None:
    folder = Listed(answer)
    assert missing.no_bucket(DbutilsFolders(folder), "s3://flow-logs/net/AWSLogs/*/vpcflowlogs/*") is is_missing
    assert folder.paths == ["s3://flow-logs/net/AWSLogs/"]
