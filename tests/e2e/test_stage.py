"""The composed stage, from nothing: a deploy, rows in Delta, a change, a kill, the next release, the end."""

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
from local.runs.process import RunningTask
from local.runs.processes import session_members
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
    with embedded(tmp_path_factory.mktemp("stage")) as found:
        found.bootstrap()
        found.deploy()
        yield found


@pytest.fixture(scope="module")
def sql(stage: EmbeddedStage) -> Iterator[Sql]:
    with stage.sql() as found:
        yield found


@pytest.fixture(scope="module")
def delivered() -> list[Delivered]:
    """Everything that was delivered so far."""
    return []


def deliver(
    stage: EmbeddedStage, delivered: list[Delivered], *, seed: int, meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Deliver files while something else is done and a few more after it, and keep what was delivered."""
    with delivering(stage.aws, seed=seed, every=1, records=100) as delivery:
        few_more(delivery)
        meanwhile()
        few_more(delivery)
    delivered += delivery.delivered
    assert all(one.error is None for one in delivery.delivered)


def few_more(delivery: Continuous) -> None:
    """Wait until more files are delivered than there are now."""
    wanted = len(delivery.delivered) + 3
    eventually(lambda: delivery.failure is not None or len(delivery.delivered) >= wanted, True)


def eventually(found: Callable[[], Any], wanted: Any) -> None:
    end = time.monotonic() + SECONDS
    while (last := found()) != wanted:
        assert time.monotonic() < end, f"after {SECONDS} s: {last}, not {wanted}"
        time.sleep(1)


def loaded(sql: Sql) -> dict[str, tuple[int, int]]:
    """Records and their bytes of each file, as the table has them."""
    query = f"SELECT source_file, count(*) AS records, coalesce(sum(bytes), 0) AS bytes FROM {TABLE} GROUP BY ALL"
    return {row["source_file"]: (row["records"], row["bytes"]) for row in sql.rows(query)}


def written(delivered: Sequence[Delivered]) -> dict[str, tuple[int, int]]:
    return {f"s3://{one.bucket}/{one.file.key}": (one.file.rows, one.file.bytes or 0) for one in delivered}


def active(stage: EmbeddedStage) -> RunningTask:
    """The task of the job that runs now."""
    with stage.workspace.lock:
        (found,) = (one for one in stage.workspace.workspace.handles.values() if isinstance(one, RunningTask))
    return found


def test_what_was_delivered_is_in_the_table(stage: EmbeddedStage, sql: Sql, delivered: list[Delivered]) -> None:
    deliver(stage, delivered, seed=1)
    eventually(lambda: TABLE in {row["tableName"] for row in sql.rows("SHOW TABLES")}, True)
    eventually(lambda: loaded(sql), written(delivered))
    actions: Counter[str] = sum((Counter(one.file.actions) for one in delivered), Counter())
    found = sql.rows(f"SELECT coalesce(action, '-') AS action, count(*) AS records FROM {TABLE} GROUP BY ALL")
    assert {row["action"]: row["records"] for row in found} == dict(actions)
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]


def test_the_files_come_through_topic_and_queue_that_the_job_has_made(stage: EmbeddedStage) -> None:
    (topic,) = stage.aws.client("sns").list_topics()["Topics"]
    (queue,) = stage.aws.client("sqs").list_queues()["QueueUrls"]
    assert "databricks-auto-ingest-" in topic["TopicArn"]
    assert "databricks-auto-ingest-" in queue
    # Read, and deleted when the batch was committed.
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    messages = lambda: stage.aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=attributes)  # noqa: E731
    eventually(lambda: messages()["Attributes"], dict.fromkeys(attributes, "0"))


def test_a_second_flow_log_of_another_format_comes_by_a_deploy_while_files_flow(
    stage: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    text = stage.environment_file.read_text()
    stage.environment_file.write_text(text.replace("\n[reader]", f"{SECOND_FLOW_LOG}\n[reader]"))

    deliver(stage, delivered, seed=2, meanwhile=stage.deploy)
    formats = {one.flow_log.file_format for one in delivered}
    assert formats == {"plain-text", "parquet"}
    eventually(lambda: loaded(sql), written(delivered))
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]
    # The new format's field has become a column.
    (row,) = sql.rows(f"SELECT count(flow_direction) > 0 AS found FROM {TABLE}")
    assert row == {"found": True}


def test_a_killed_run_is_seen_as_failed_and_the_next_one_loads_each_file_once(
    stage: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    killed = active(stage)

    deliver(stage, delivered, seed=3, meanwhile=lambda: os.kill(killed.pid, signal.SIGKILL))
    outcome = killed.poll()
    assert outcome is not None
    assert outcome.result == "FAILED"
    assert "exit code 137 (SIGKILL" in outcome.message
    eventually(lambda: session_members(killed.pid), [])
    eventually(lambda: loaded(sql), written(delivered))
    assert active(stage) is not killed


def test_an_update_keeps_table_and_checkpoint_and_each_file_is_loaded_once(
    stage: EmbeddedStage, sql: Sql, delivered: list[Delivered], tmp_path: Path
) -> None:
    version, wheel = released(stage)
    assert version == __version__
    assert f"-{__version__}-" in wheel
    (history,) = sql.rows(f"SELECT count(*) AS files FROM (SELECT DISTINCT source_file FROM {TABLE})")

    release = next_release(tmp_path / "next")
    deliver(stage, delivered, seed=4, meanwhile=lambda: deploy_release(stage, release))

    version, newer = released(stage)
    assert version == NEXT
    assert f"-{NEXT}-" in newer
    assert newer != wheel
    # All of both, each file once: table and checkpoint are those of before.
    eventually(lambda: loaded(sql), written(delivered))
    assert len(delivered) > history["files"]
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]


def test_destroy_leaves_nothing(stage: EmbeddedStage) -> None:
    aws, state, last = stage.aws, stage.workspace.state, active(stage)
    stage.destroy()
    assert (state.jobs, state.instance_profiles) == ({}, {})
    assert [one.roles for one in state.principals.values() if one.roles] == []
    assert [path for path in state.objects if "flow-logs" in path] == []
    assert session_members(last.pid) == []
    assert aws.client("sns").list_topics().get("Topics", []) == []
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert aws.client("ec2").describe_flow_logs()["FlowLogs"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName=ROLE)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_instance_profile(InstanceProfileName=ROLE)
    # Bucket, logs and tables stay; nothing tells anybody of new files any more.
    notified = aws.client("s3").get_bucket_notification_configuration(Bucket="flow-logs-local")
    assert re.findall("Configurations", str(notified)) == []
    granted = aws.client("iam").list_role_policies(RoleName="databricks-cross-account-local")["PolicyNames"]
    assert granted == []
