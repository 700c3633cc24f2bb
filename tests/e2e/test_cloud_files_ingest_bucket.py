"""The job under real Spark on a bucket, with only temporary credentials of the reader role."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from pyspark.sql import SparkSession

from infra.config import Environment
from local.aws import Credentials, Emulator, running
from tests.support.buckets import (
    BUCKET,
    LOGS,
    Reusing,
    as_caller,
    clean,
    make_bucket,
    make_stack_notifications,
    reader,
    until,
    without_action,
)
from tests.support.environment_files import STACK, environment
from tests.support.ingesting import ENVIRONMENT, SECONDS, Place, Process, commits, contents, ingest, try_ingest
from tests.support.ministack import ACCOUNT

pytestmark = pytest.mark.slow

PATH = f"s3://{BUCKET}/AWSLogs/*/vpcflowlogs/*/*"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        yield Reusing.of(emulator)


@contextmanager
def as_job(spark: SparkSession, stage: Emulator, credentials: Credentials) -> Iterator[None]:
    """Give this process and Spark's Python workers the environment variables of a job run with these credentials."""
    given = {name: value for name, value in stage.environment(credentials).items() if os.environ.get(name) != value}
    with as_caller(stage, credentials), mock.patch.dict(spark.sparkContext.environment, given):
        yield


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
    empty(stage, settings)
    where = Place(tmp_path / "place", "own", headers=("srcaddr", "srcport"))
    put(stage, 0)
    spark_settings = {name: ENVIRONMENT[name] for name in ("PYTHONPATH", "JDK_JAVA_OPTIONS")}
    running_ = Process(
        where.parameters(vpc_logs_path=PATH, notifications="auto-loader", trigger="continuous", interval_seconds="1"),
        tmp_path / "process",
        environment={**stage.environment(credentials), **spark_settings},
    )
    try:
        running_.wait_for("batch ")
        put(stage, 1)
        running_.wait_for("batch ", times=2)
        put(stage, 2)
        put(stage, 3)
    finally:
        # The kill interrupts the load of these two files.
        time.sleep(0.5)
        running_.kill()
    assert running_.err == ""
    with as_job(spark, stage, credentials):
        put(stage, 4)
        ingest(spark, where, vpc_logs_path=PATH, notifications="auto-loader")
        put(stage, 5)
        ingest(spark, where, vpc_logs_path=PATH, notifications="off")
    loaded, quarantined = contents(spark, where)
    assert loaded == records(*range(6))
    assert sum(quarantined.values()) == 6


def test_a_permission_revoked_from_a_running_stream_ends_the_job_with_its_name(
    spark: SparkSession, stage: Emulator, tmp_path: Path
) -> None:
    settings = environment(tmp_path, STACK)
    credentials = reader(stage, settings)
    empty(stage, settings)
    url = make_stack_notifications(stage, settings)
    where = Place(tmp_path / "place", "given", headers=("srcaddr", "srcport"))
    given = {"vpc_logs_path": PATH, "notifications": "queue", "queue_url": url}
    put(stage, 0)
    with as_job(spark, stage, credentials), ThreadPoolExecutor() as threads:
        job = threads.submit(try_ingest, spark, where, trigger="continuous", interval_seconds="1", **given)
        try:
            until(lambda: job.done() or batches_in(where) == 1, seconds=SECONDS)
            put(stage, 1)
            until(lambda: job.done() or batches_in(where) == 2, seconds=SECONDS)
            iam, name = stage.client("iam"), settings.reader.role_name
            document = iam.get_role_policy(RoleName=name, PolicyName="notifications")["PolicyDocument"]
            narrower = json.dumps(without_action(document, "sqs:ReceiveMessage"))
            iam.put_role_policy(RoleName=name, PolicyName="notifications", PolicyDocument=narrower)
            ran = job.result(SECONDS)
        finally:
            for query in spark.streams.active:
                query.stop()
    assert ran.status == 1
    assert "sqs:ReceiveMessage on arn:aws:sqs:us-east-1:111122223333:vpc-flow-logs-test is denied" in ran.message
    assert "Traceback" not in ran.message
    assert contents(spark, where)[0] == records(0, 1)


def empty(stage: Emulator, settings: Environment) -> None:
    """Create the bucket, or remove all objects and notifications from it."""
    s3 = stage.client("s3")
    if not s3.list_buckets()["Buckets"]:
        make_bucket(stage, settings)
    clean(stage)


def batches_in(where: Place) -> int:
    """Return the number of batches that have added records to the table."""
    return sum(any("add" in action for action in commit) for commit in commits(where.delta))


def test_a_run_on_a_prefix_without_objects_succeeds_and_a_later_run_loads_the_first_file(
    spark: SparkSession, stage: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Auto Loader's behavior on an empty prefix is undocumented; here, it fails to start."""
    settings = environment(tmp_path)
    credentials = reader(stage, settings)
    empty(stage, settings)
    monkeypatch.setenv("CLOUD_FILES_EMPTY_PREFIX", "raises")
    where = Place(tmp_path / "place", "patient", headers=("srcaddr", "srcport"))
    with as_job(spark, stage, credentials):
        first = ingest(spark, where, vpc_logs_path=PATH, notifications="off")
        assert f"no files yet below {PATH}" in first.lines
        assert first.lines[-3].startswith("done: 0 batches, 0 files")
        put(stage, 0)
        ingest(spark, where, vpc_logs_path=PATH, notifications="off")
    assert contents(spark, where)[0] == records(0)
