"""The job under real Spark on a bucket; its process has only temporary credentials of the reader role."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local.aws import Credentials, Emulator, running
from tests.support.buckets import BUCKET, LOGS, make_bucket, make_stack_notifications, reader, until
from tests.support.environment_files import STACK, environment
from tests.support.ingesting import ENVIRONMENT, Place, Process, contents
from tests.support.ministack import ACCOUNT

pytestmark = pytest.mark.slow

PATH = f"s3://{BUCKET}/AWSLogs/*/vpcflowlogs/*/*"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        yield emulator


def process(stage: Emulator, credentials: Credentials, folder: Path, parameters: list[str]) -> Process:
    spark_settings = {name: ENVIRONMENT[name] for name in ("PYTHONPATH", "JDK_JAVA_OPTIONS")}
    return Process(parameters, folder, environment={**stage.environment(credentials), **spark_settings})


def put(stage: Emulator, number: int) -> None:
    """Put a file with unique records and a unique bad line."""
    good = "".join(f"10.0.{number}.{line} {number}\n" for line in range(5))
    body = f"srcaddr srcport\n{good}10.0.{number}.99 bad-{number}\n".encode()
    stage.client("s3").put_object(Bucket=BUCKET, Key=f"{LOGS}/{number} +ü.log", Body=body)


def records(*numbers: int) -> Counter[tuple[object, ...]]:
    """Return the rows expected in the table: address, port, time and file."""
    return Counter(
        (f"10.0.{number}.{line}", number, None, f"s3://{BUCKET}/{LOGS}/{number} +ü.log")
        for number in numbers
        for line in range(5)
    )


def test_no_file_is_lost_across_notifications_a_kill_and_a_listing_run(
    spark: SparkSession, stage: Emulator, tmp_path: Path
) -> None:
    settings = environment(tmp_path)
    credentials = reader(stage, settings)
    make_bucket(stage, settings)
    where = Place(tmp_path / "place", "own", headers=("srcaddr", "srcport"))
    put(stage, 0)
    running_ = process(
        stage,
        credentials,
        tmp_path / "1",
        where.parameters(vpc_logs_path=PATH, notifications="auto-loader", trigger="continuous", interval_seconds="1"),
    )
    try:
        running_.wait_for("batch ")
        for number in (1, 2, 3):
            batches = len(running_.batches)
            put(stage, number)
            until(lambda before=batches: len(running_.batches) > before, seconds=240)  # type: ignore[misc]
        put(stage, 4)
        put(stage, 5)
    finally:
        # The kill interrupts the load of these two files.
        time.sleep(0.5)
        running_.kill()
    assert running_.err == ""
    put(stage, 6)
    restarted = process(
        stage, credentials, tmp_path / "2", where.parameters(vpc_logs_path=PATH, notifications="auto-loader")
    )
    assert (restarted.wait(), restarted.err) == (0, "")
    put(stage, 7)
    listing = process(stage, credentials, tmp_path / "3", where.parameters(vpc_logs_path=PATH, notifications="off"))
    assert (listing.wait(), listing.err) == (0, "")
    loaded, quarantined = contents(spark, where)
    assert loaded == records(*range(8))
    assert sum(quarantined.values()) == 8


def test_a_permission_revoked_from_a_running_stream_ends_the_job_with_its_name(
    spark: SparkSession, stage: Emulator, tmp_path: Path
) -> None:
    settings = environment(tmp_path, STACK)
    credentials = reader(stage, settings)
    s3 = stage.client("s3")
    if not s3.list_buckets()["Buckets"]:
        make_bucket(stage, settings)
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    url = make_stack_notifications(stage, settings)
    where = Place(tmp_path / "place", "given", headers=("srcaddr", "srcport"))
    parameters = where.parameters(
        vpc_logs_path=PATH, notifications="queue", queue_url=url, trigger="continuous", interval_seconds="1"
    )
    put(stage, 0)
    running_ = process(stage, credentials, tmp_path / "1", parameters)
    try:
        running_.wait_for("batch ")
        put(stage, 1)
        running_.wait_for("batch ", times=2)
        iam, name = stage.client("iam"), settings.reader.role_name
        document = iam.get_role_policy(RoleName=name, PolicyName="notifications")["PolicyDocument"]
        for statement in document["Statement"]:
            statement["Action"] = [action for action in statement["Action"] if action != "sqs:ReceiveMessage"]
        iam.put_role_policy(RoleName=name, PolicyName="notifications", PolicyDocument=json.dumps(document))
        assert running_.wait() == 1
    finally:
        running_.kill()
    assert "sqs:ReceiveMessage on arn:aws:sqs:us-east-1:111122223333:vpc-flow-logs-test is denied" in running_.err
    assert "Traceback" not in running_.err
    assert contents(spark, where)[0] == records(0, 1)


def test_a_run_on_a_prefix_without_objects_succeeds_and_a_later_run_loads_the_first_file(
    spark: SparkSession, stage: Emulator, tmp_path: Path
) -> None:
    """Auto Loader's behavior on an empty prefix is undocumented; here it refuses to start."""
    settings = environment(tmp_path)
    credentials = reader(stage, settings)
    s3 = stage.client("s3")
    if not s3.list_buckets()["Buckets"]:
        make_bucket(stage, settings)
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    where = Place(tmp_path / "place", "patient", headers=("srcaddr", "srcport"))
    parameters = where.parameters(vpc_logs_path=PATH, notifications="off")
    strict = {
        **stage.environment(credentials),
        **{name: ENVIRONMENT[name] for name in ("PYTHONPATH", "JDK_JAVA_OPTIONS")},
        "CLOUD_FILES_EMPTY_PREFIX": "raises",
    }
    first = Process(parameters, tmp_path / "1", environment=strict)
    assert (first.wait(), first.err) == (0, "")
    assert f"no files yet below {PATH}" in first.out
    assert "done: 0 batches, 0 files" in first.out
    put(stage, 0)
    second = Process(parameters, tmp_path / "2", environment=strict)
    assert (second.wait(), second.err) == (0, "")
    assert contents(spark, where)[0] == records(0)
