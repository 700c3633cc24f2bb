"""Messages of failed runs: the path, the storage's error message, and the next step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vpc_flow_logs.failures import RunFailed, explained
from vpc_flow_logs.parameters import Parameters

pytestmark = pytest.mark.lts

PARAMETERS = Parameters(
    vpc_logs_path="s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
    delta_output_path="/lake/flow",
    checkpoint_path="s3://lake-1/checkpoint",
    table_name="flow_logs",
    region_name="us-east-1",
    headers=("version",),
)


def test_a_failed_run_is_an_ordinary_exception_and_its_text_is_the_message() -> None:
    """Databricks shows the text of an exception, but only the status of an exit."""
    failure = RunFailed("The disk is full.")
    assert not isinstance(failure, SystemExit)
    assert str(failure) == "The disk is full."


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "java.io.IOException: No space left on device: file:/lake/flow/part-0.parquet",
            "Delta Output Path '/lake/flow'",
        ),
        (
            "java.io.IOException: Mkdirs failed to create file:/lake/flow_quarantine/_delta_log",
            "the path of the quarantine table '/lake/flow_quarantine'",
        ),
        ("Permission denied: s3a://lake-1/checkpoint/offsets/3", "Checkpoint Path 's3://lake-1/checkpoint'"),
        (
            "AccessDenied: GET s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/x.gz",
            "VPC Logs Path 's3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1'",
        ),
    ],
)
def test_the_message_names_the_path_the_cause_and_the_next_step(text: str, path: str) -> None:
    message = explained(RuntimeError(f"Job aborted\n\tat some.java.Frame\nCaused by: {text}\n\tat more"), PARAMETERS)
    assert path in message
    assert text in message
    assert "run the job again" in message
    assert "some.java.Frame" not in message


def test_the_cause_is_found_in_a_chain_of_errors() -> None:
    try:
        try:
            raise OSError("No space left on device: /lake/flow/x")
        except OSError as error:
            raise RuntimeError("the batch failed") from error
    except RuntimeError as error:
        message = explained(error, PARAMETERS)
    assert "No space left on device" in message
    assert "Delta Output Path '/lake/flow'" in message


def _denied(action: str, resource: str) -> RuntimeError:
    denial = f"AccessDenied: not authorized to perform: {action} on resource: {resource}"
    return RuntimeError(f"writing to file:/lake/flow with lake-1/checkpoint\n\tat x\nCaused by: {denial}\n\tat y")


def test_the_path_comes_from_the_line_with_the_cause_and_not_from_another_line() -> None:
    object_arn = "arn:aws:s3:::flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/x.gz"
    message = explained(_denied("s3:GetObject", object_arn), PARAMETERS)
    assert message.startswith("The run failed: VPC Logs Path 's3://flow-logs/AWSLogs/")


@pytest.mark.parametrize("action", ["sqs:ReceiveMessage", "sns:CreateTopic", "kms:Decrypt"])
def test_a_denied_call_that_concerns_no_path_is_reported_without_a_path(action: str) -> None:
    message = explained(_denied(action, "arn:aws:sqs:us-east-1:123456789012:databricks-auto-ingest-1"), PARAMETERS)
    assert message.startswith("The run failed: AccessDenied: not authorized to perform: ")
    assert action in message
    assert "Path" not in message


def test_a_cause_without_a_path_is_reported_with_all_possible_paths() -> None:
    message = explained(RuntimeError("No space left on device"), PARAMETERS)
    for path in ("/lake/flow", "/lake/flow_quarantine", "s3://lake-1/checkpoint", "s3://flow-logs/AWSLogs/"):
        assert path in message


def test_an_error_of_a_managed_table_is_reported_without_a_table_path() -> None:
    message = explained(RuntimeError("No space left on device"), replace(PARAMETERS, delta_output_path=""))
    assert "Delta Output Path" not in message
    assert "quarantine" not in message


@pytest.mark.parametrize("text", ["", "\n\n", "something odd\n\tat frame"])
def test_an_unknown_error_is_reported_with_a_message_and_the_next_step(text: str) -> None:
    message = explained(RuntimeError(text), PARAMETERS)
    assert message.startswith("The run failed: ")
    assert "run the job again" in message
    assert "at frame" not in message


def test_an_unknown_error_is_reported_with_its_last_cause() -> None:
    message = explained(
        RuntimeError("Job aborted\nCaused by: first\n\tat x\nCaused by: java.Last: the reason"), PARAMETERS
    )
    assert "java.Last: the reason" in message


def test_a_damaged_file_of_the_checkpoint_is_reported_with_the_option_for_a_new_one() -> None:
    line = "[MALFORMED_LOG_FILE] Log file was malformed: failed to read correct log version from {{{. SQLSTATE: KD002"
    message = explained(RuntimeError(f"Job aborted\nCaused by: {line}\n\tat a.Frame"), PARAMETERS)
    assert message.startswith(f"The run failed: a file of the checkpoint is damaged: {line}\n")
    assert "--new-checkpoint adopt" in message


def test_the_length_of_a_message_is_limited() -> None:
    assert len(explained(RuntimeError("x" * 100_000), PARAMETERS)) < 2000
    assert len(explained(RuntimeError("Permission denied " + "x" * 100_000), PARAMETERS)) < 2000


def test_circular_causes_end() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert "The run failed" in explained(first, PARAMETERS)


def test_an_error_of_a_java_call_is_reported_with_its_exception_and_path() -> None:
    text = (
        "An error occurred while calling o59.sql.\n: org.apache.hadoop.fs.FileSystemException: "
        "Unable to create folder file:/lake/flow/_delta_log\n\tat x.Y"
    )
    message = explained(RuntimeError(text), PARAMETERS)
    assert message.startswith("The run failed: Delta Output Path '/lake/flow' cannot be used: ")
    assert "FileSystemException: Unable to create folder file:/lake/flow/_delta_log" in message
    assert ": : " not in message


def test_an_unknown_error_of_a_java_call_is_reported_with_its_exception() -> None:
    message = explained(
        RuntimeError("An error occurred while calling o59.sql.\n: a.b.Odd: the reason\n\tat x"), PARAMETERS
    )
    assert message.startswith("The run failed: a.b.Odd: the reason")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "local.cloud_files.error.CloudFilesError: /logs: the folder does not exist",
            "/logs: the folder does not exist",
        ),
        ("Caused by: a.b_c.OddError: the reason", "the reason"),
        ("pyarrow.lib.ArrowError: the reason", "the reason"),
        ("java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: Java heap space"),
        ("org.apache.spark.OddError: the reason", "org.apache.spark.OddError: the reason"),
    ],
)
def test_a_message_does_not_begin_with_the_class_of_a_python_exception(line: str, message: str) -> None:
    """Java class names stay, because some Java messages are only a path and mean nothing without the class."""
    text = f"Job aborted\nTraceback (most recent call last):\n  File x\n{line}"
    assert explained(RuntimeError(text), PARAMETERS).startswith(f"The run failed: {message}\n")


@pytest.mark.parametrize(
    "line",
    [
        "io.delta.exceptions.ProtocolChangedException: [DELTA_PROTOCOL_CHANGED] ProtocolChangedException: changed",
        "[DELTA_METADATA_CHANGED] The metadata of the Delta table has been changed by a concurrent update.",
        "[DELTA_CREATE_TABLE_WITH_DIFFERENT_PROPERTY] The specified properties do not match the existing properties",
        "[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Files were added",
        "[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create table or view `default`.`flow_logs`",
        "java.io.IOException: [CONCURRENT_STREAM_LOG_UPDATE] Concurrent update to the log.",
    ],
)
def test_the_next_step_after_concurrent_runs_is_to_run_again_and_not_to_fix_a_cause(line: str) -> None:
    text = f"Job aborted\nCaused by: {line}\n\tat x\nCaused by: FileAlreadyExistsException: /lake/flow/_delta_log/0"
    message = explained(RuntimeError(text), PARAMETERS)
    assert message.startswith("The run failed: another run wrote at the same time: ")
    assert line.partition(" ")[2] in message
    assert "Run the job again, one run at a time" in message
    assert "Fix the cause" not in message
