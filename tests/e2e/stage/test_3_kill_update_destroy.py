"""A deployed environment in use: every record in the table, a kill, an update with another flow log, and destroy."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession

from local.delivery import Delivered
from local.processes import session_members
from local.runs.process import RunningTask
from local.stage.composed import EmbeddedStage
from tests.support.releases import NEXT, deploy_release, next_release, released
from tests.support.staging import (
    SECONDS,
    deliver_during,
    loaded,
    nothing,
    quarantined,
    query,
    table_folder,
    written,
)
from tests.support.workspaces import until
from vpc_flow_logs import __version__

pytestmark = pytest.mark.slow

TABLE = "flow_logs"
ROLE = "flow-log-reader-local"
SECOND_FLOW_LOG = """
[[flow_logs]]
subnet = "subnet-0123456789abcdef0"
aggregation_seconds = 60
file_format = "parquet"
fields = ["interface-id", "srcaddr", "dstaddr", "bytes", "action", "start", "end", "log-status", "flow-direction"]
"""


def active(stage: EmbeddedStage) -> RunningTask:
    """Return the running task of the job."""
    with stage.workspace.lock:
        (task,) = (handle for handle in stage.workspace.workspace.handles.values() if isinstance(handle, RunningTask))
    return task


def test_every_delivered_record_is_in_the_table(
    stage: EmbeddedStage, spark: SparkSession, delivered: list[Delivered]
) -> None:
    deliver_during(stage, delivered, seed=31, work=nothing)
    expected = written(delivered, "local")
    assert loaded(spark, stage, TABLE, expected) == expected
    files = [item.file for item in delivered if item.bucket == "flow-logs-local"]
    actions: Counter[str] = sum((Counter(file.actions) for file in files), Counter())
    columns = "coalesce(action, '-') AS action, count(*) AS records"
    rows = query(spark, table_folder(stage, TABLE), columns, "GROUP BY ALL")
    assert {row.action: row.records for row in rows} == dict(actions)
    assert quarantined(spark, stage, TABLE) == 0


def test_events_reach_the_job_through_its_own_topic_and_queue(stage: EmbeddedStage) -> None:
    (topic,) = stage.aws.client("sns").list_topics()["Topics"]
    (queue,) = stage.aws.client("sqs").list_queues()["QueueUrls"]
    assert "databricks-auto-ingest-" in topic["TopicArn"]
    assert "databricks-auto-ingest-" in queue
    # The job deletes messages when it commits the batch.
    sqs, names = stage.aws.client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    messages = lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]  # noqa: E731
    until(lambda: messages() == dict.fromkeys(names, "0"), seconds=SECONDS)


def test_a_killed_run_fails_and_the_next_run_loads_each_file_once(
    stage: EmbeddedStage, spark: SparkSession, delivered: list[Delivered]
) -> None:
    killed = active(stage)

    deliver_during(stage, delivered, seed=32, work=lambda: os.kill(killed.pid, signal.SIGKILL))
    outcome = killed.poll()
    assert outcome is not None
    assert outcome.result == "FAILED"
    assert "exit code 137 (SIGKILL" in outcome.message
    assert session_members(killed.pid) == []
    expected = written(delivered, "local")
    assert loaded(spark, stage, TABLE, expected) == expected
    assert active(stage) is not killed


def test_an_update_with_another_flow_log_keeps_the_table_and_the_checkpoint_and_loads_each_file_once(
    stage: EmbeddedStage, spark: SparkSession, delivered: list[Delivered], tmp_path: Path
) -> None:
    """One deployment installs the next release and adds a flow log of another format, while files arrive."""
    version, wheel = released(stage)
    assert version == __version__
    assert f"-{__version__}-" in wheel
    before = written(delivered, "local")
    text = stage.environment_file.read_text()
    stage.environment_file.write_text(text.replace("\n[reader]", f"{SECOND_FLOW_LOG}\n[reader]"))

    release = next_release(tmp_path / "next")
    deliver_during(stage, delivered, seed=33, work=lambda: deploy_release(stage, release))

    version, newer = released(stage)
    assert version == NEXT
    assert f"-{NEXT}-" in newer
    assert newer != wheel
    formats = {item.flow_log.file_format for item in delivered if item.bucket == "flow-logs-local"}
    assert formats == {"plain-text", "parquet"}
    # Each file of both releases is loaded once, because table and checkpoint are the same.
    expected = written(delivered, "local")
    assert loaded(spark, stage, TABLE, expected) == expected
    assert len(expected) > len(before) > 0
    assert quarantined(spark, stage, TABLE) == 0
    # The table has a column for the new format's field.
    (row,) = query(spark, table_folder(stage, TABLE), "count(flow_direction) > 0 AS found")
    assert row.found


def ours(names: Iterable[str]) -> list[str]:
    """Return the names that do not belong to the environment `listed`, which another module may have deployed."""
    return [name for name in names if "listed" not in name]


def test_destroy_leaves_only_the_bucket_and_the_tables(stage: EmbeddedStage) -> None:
    aws, state, task = stage.aws, stage.workspace.state, active(stage)
    stage.destroy()
    assert ours(job.settings["name"] for job in state.jobs.values()) == []
    assert ours(state.instance_profiles) == []
    assert ours(role for principal in state.principals.values() for role in principal.roles) == []
    folders = [path for path in state.objects if "flow-logs" in path]
    listed = [path for path in folders if "listed" in path]
    assert [path for path in folders if not any(other.startswith(path) for other in listed)] == []
    assert session_members(task.pid) == []
    assert aws.client("sns").list_topics().get("Topics", []) == []
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    flow_logs = aws.client("ec2").describe_flow_logs()["FlowLogs"]
    assert ours(flow_log["LogDestination"] for flow_log in flow_logs) == []
    functions = aws.client("lambda").list_functions()["Functions"]
    assert ours(function["FunctionName"] for function in functions) == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName=ROLE)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_instance_profile(InstanceProfileName=ROLE)
    # The bucket, its logs and the tables stay, without notifications.
    notifications = aws.client("s3").get_bucket_notification_configuration(Bucket="flow-logs-local")
    assert re.findall("Configurations", str(notifications)) == []
    policies = aws.client("iam").list_role_policies(RoleName="databricks-cross-account-local")["PolicyNames"]
    assert ours(policies) == []
