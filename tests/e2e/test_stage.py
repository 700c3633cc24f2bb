"""The complete stage: a first deploy, rows in Delta, a change, a kill, the next release, and destroy."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.delivery import Continuous, Delivered, delivering
from local.processes import session_members
from local.runs.process import RunningTask
from local.stage.composed import EmbeddedStage, embedded
from local.stage.sql import Sql
from tests.support.releases import NEXT, deploy_release, next_release, released
from vpc_flow_logs import __version__

pytestmark = pytest.mark.slow

SECONDS = 300
TABLE = "flow_logs"
ROLE = "flow-log-reader-local"
SECOND_FLOW_LOG = """
[[flow_logs]]
subnet = "subnet-0123456789abcdef0"
aggregation_seconds = 60
file_format = "parquet"
fields = ["interface-id", "srcaddr", "dstaddr", "bytes", "action", "start", "end", "log-status", "flow-direction"]
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStage]:
    with embedded(tmp_path_factory.mktemp("stage")) as embedded_stage:
        embedded_stage.bootstrap()
        embedded_stage.deploy()
        yield embedded_stage


@pytest.fixture(scope="module")
def sql(stage: EmbeddedStage) -> Iterator[Sql]:
    with stage.sql() as sql_:
        yield sql_


@pytest.fixture(scope="module")
def delivered() -> list[Delivered]:
    """Return a list that collects all deliveries of this module."""
    return []


def deliver(
    stage: EmbeddedStage, delivered: list[Delivered], *, seed: int, during: Callable[[], object] = lambda: None
) -> None:
    """Deliver files before, during and after a call, and add the deliveries to the list."""
    with delivering(stage.aws, seed=seed, every=1, records=100) as delivery:
        wait_for_deliveries(delivery)
        during()
        wait_for_deliveries(delivery)
    delivered += delivery.delivered
    assert all(item.error is None for item in delivery.delivered)


def wait_for_deliveries(delivery: Continuous) -> None:
    """Wait for three more deliveries."""
    count = len(delivery.delivered) + 3
    eventually(lambda: delivery.failure is not None or len(delivery.delivered) >= count, True)


def eventually(read: Callable[[], Any], expected: Any) -> None:
    end = time.monotonic() + SECONDS
    while (value := read()) != expected:
        assert time.monotonic() < end, f"after {SECONDS} s: {value}, not {expected}"
        time.sleep(1)


def loaded(sql: Sql) -> dict[str, tuple[int, int]]:
    """Return the table's records and their bytes per file."""
    query = f"SELECT source_file, count(*) AS records, coalesce(sum(bytes), 0) AS bytes FROM {TABLE} GROUP BY ALL"
    return {row["source_file"]: (row["records"], row["bytes"]) for row in sql.rows(query)}


def written(delivered: Sequence[Delivered]) -> dict[str, tuple[int, int]]:
    return {f"s3://{item.bucket}/{item.file.key}": (item.file.rows, item.file.bytes or 0) for item in delivered}


def active(stage: EmbeddedStage) -> RunningTask:
    """Return the running task of the job."""
    with stage.workspace.lock:
        (task,) = (handle for handle in stage.workspace.workspace.handles.values() if isinstance(handle, RunningTask))
    return task


def test_every_delivered_record_is_in_the_table(stage: EmbeddedStage, sql: Sql, delivered: list[Delivered]) -> None:
    deliver(stage, delivered, seed=1)
    eventually(lambda: TABLE in {row["tableName"] for row in sql.rows("SHOW TABLES")}, True)
    eventually(lambda: loaded(sql), written(delivered))
    actions: Counter[str] = sum((Counter(item.file.actions) for item in delivered), Counter())
    counts = sql.rows(f"SELECT coalesce(action, '-') AS action, count(*) AS records FROM {TABLE} GROUP BY ALL")
    assert {row["action"]: row["records"] for row in counts} == dict(actions)
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]


def test_events_reach_the_job_through_its_own_topic_and_queue(stage: EmbeddedStage) -> None:
    (topic,) = stage.aws.client("sns").list_topics()["Topics"]
    (queue,) = stage.aws.client("sqs").list_queues()["QueueUrls"]
    assert "databricks-auto-ingest-" in topic["TopicArn"]
    assert "databricks-auto-ingest-" in queue
    # The job deletes messages when it commits the batch.
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    messages = lambda: stage.aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=attributes)  # noqa: E731
    eventually(lambda: messages()["Attributes"], dict.fromkeys(attributes, "0"))


def test_a_deploy_adds_a_flow_log_of_another_format_while_files_arrive(
    stage: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    text = stage.environment_file.read_text()
    stage.environment_file.write_text(text.replace("\n[reader]", f"{SECOND_FLOW_LOG}\n[reader]"))

    deliver(stage, delivered, seed=2, during=stage.deploy)
    formats = {item.flow_log.file_format for item in delivered}
    assert formats == {"plain-text", "parquet"}
    eventually(lambda: loaded(sql), written(delivered))
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]
    # The table has a column for the new format's field.
    (row,) = sql.rows(f"SELECT count(flow_direction) > 0 AS found FROM {TABLE}")
    assert row == {"found": True}


def test_a_killed_run_fails_and_the_next_run_loads_each_file_once(
    stage: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    killed = active(stage)

    deliver(stage, delivered, seed=3, during=lambda: os.kill(killed.pid, signal.SIGKILL))
    outcome = killed.poll()
    assert outcome is not None
    assert outcome.result == "FAILED"
    assert "exit code 137 (SIGKILL" in outcome.message
    eventually(lambda: session_members(killed.pid), [])
    eventually(lambda: loaded(sql), written(delivered))
    assert active(stage) is not killed


def test_an_update_keeps_the_table_and_the_checkpoint_and_loads_each_file_once(
    stage: EmbeddedStage, sql: Sql, delivered: list[Delivered], tmp_path: Path
) -> None:
    version, wheel = released(stage)
    assert version == __version__
    assert f"-{__version__}-" in wheel
    (history,) = sql.rows(f"SELECT count(*) AS files FROM (SELECT DISTINCT source_file FROM {TABLE})")

    release = next_release(tmp_path / "next")
    deliver(stage, delivered, seed=4, during=lambda: deploy_release(stage, release))

    version, newer = released(stage)
    assert version == NEXT
    assert f"-{NEXT}-" in newer
    assert newer != wheel
    # Each file of both releases is loaded once, because table and checkpoint are the same.
    eventually(lambda: loaded(sql), written(delivered))
    assert len(delivered) > history["files"]
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]


def test_destroy_leaves_only_the_bucket_and_the_tables(stage: EmbeddedStage) -> None:
    aws, state, task = stage.aws, stage.workspace.state, active(stage)
    stage.destroy()
    assert (state.jobs, state.instance_profiles) == ({}, {})
    assert [principal.roles for principal in state.principals.values() if principal.roles] == []
    assert [path for path in state.objects if "flow-logs" in path] == []
    assert session_members(task.pid) == []
    assert aws.client("sns").list_topics().get("Topics", []) == []
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert aws.client("ec2").describe_flow_logs()["FlowLogs"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName=ROLE)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_instance_profile(InstanceProfileName=ROLE)
    # The bucket, its logs and the tables stay, without notifications.
    notifications = aws.client("s3").get_bucket_notification_configuration(Bucket="flow-logs-local")
    assert re.findall("Configurations", str(notifications)) == []
    policy_names = aws.client("iam").list_role_policies(RoleName="databricks-cross-account-local")["PolicyNames"]
    assert policy_names == []
