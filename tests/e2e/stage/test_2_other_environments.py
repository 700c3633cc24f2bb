"""Environments in one account and one workspace have separate resources; destroying one keeps the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from pyspark.sql import SparkSession

from local.delivery import Delivered, deliver
from local.stage.cdk import CdkError
from local.stage.composed import EmbeddedStage
from tests.support.staging import loaded, written

pytestmark = pytest.mark.slow


def another(stage: EmbeddedStage, name: str, *changes: tuple[str, str]) -> EmbeddedStage:
    """Return the same clouds with a variant of the local environment file under another name."""
    text = stage.environment_file.read_text()
    edits = [
        ('"flow-logs-local"', f'"flow-logs-{name}"'),
        ('"flow-log-reader-local"', f'"flow-log-reader-{name}"'),
        ('table = "flow_logs"', f'table = "flow_logs_{name}"'),
        ("/FlowLogs/checkpoint", f"/FlowLogs/checkpoint_{name}"),
        ("[workspace.cluster]", "verify = false\n\n[workspace.cluster]"),
    ]
    for old, new in (*edits, *changes):
        assert old in text, old
        text = text.replace(old, new)
    file = stage.folder / f"{name}.toml"
    file.write_text(text)
    return replace(stage, environment_file=file)


@pytest.fixture(scope="module")
def queued(stage: EmbeddedStage) -> EmbeddedStage:
    """Deploy an environment with a continuous job that reads the stack's queue."""
    deployed = another(stage, "queued", ('"auto-loader"', '"stack"'))
    deployed.deploy()
    return deployed


@pytest.fixture(scope="module")
def listed(stage: EmbeddedStage) -> EmbeddedStage:
    """Deploy an environment with a scheduled job that lists the bucket."""
    scheduled = 'trigger = "scheduled"\nschedule = "0 0 4 * * ?"'
    changes = (('trigger = "continuous"', scheduled), ("interval_seconds = 2\n", ""))
    deployed = another(stage, "listed", ('"auto-loader"', '"off"'), *changes)
    deployed.deploy()
    return deployed


def jobs(stage: EmbeddedStage) -> dict[str, int]:
    """Return the IDs of all jobs by name: a streaming job and a maintenance job for each environment."""
    with stage.workspace.lock:
        return {entry.settings["name"]: entry.job_id for entry in stage.workspace.state.jobs.values()}


def profiles(stage: EmbeddedStage) -> list[str]:
    with stage.workspace.lock:
        return sorted(arn.rsplit("/", 1)[-1] for arn in stage.workspace.state.instance_profiles)


def topics(stage: EmbeddedStage) -> list[str]:
    return sorted(topic["TopicArn"] for topic in stage.aws.client("sns").list_topics().get("Topics", []))


def test_each_environment_loads_its_own_bucket_by_events_by_queue_and_by_listing(
    queued: EmbeddedStage, listed: EmbeddedStage, stage: EmbeddedStage, spark: SparkSession, delivered: list[Delivered]
) -> None:
    files = deliver(stage.aws, seed=21, intervals=2, records=50)
    delivered += files
    assert {item.bucket for item in files} == {"flow-logs-local", "flow-logs-queued", "flow-logs-listed"}
    assert [item.error for item in files if item.error] == []
    stage.workspace.fire_schedule(jobs(stage)["vpc-flow-logs-listed"])
    for name, table in (("local", "flow_logs"), ("queued", "flow_logs_queued"), ("listed", "flow_logs_listed")):
        expected = written(delivered, name)
        assert loaded(spark, stage, table, expected) == expected


def test_destroying_one_environment_keeps_the_others(
    queued: EmbeddedStage, listed: EmbeddedStage, stage: EmbeddedStage, spark: SparkSession, delivered: list[Delivered]
) -> None:
    before = jobs(stage)
    queued.destroy()
    assert all("queued" not in url for url in stage.aws.client("sqs").list_queues()["QueueUrls"])
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.aws.client("iam").get_role(RoleName="flow-log-reader-queued")
    assert "vpc-flow-logs-queued maintenance" in before
    assert jobs(stage) == {name: job for name, job in before.items() if "queued" not in name}
    assert profiles(stage) == ["flow-log-reader-listed", "flow-log-reader-local"]
    more = deliver(stage.aws, seed=22, intervals=1, records=50)
    assert {item.bucket for item in more} == {"flow-logs-local", "flow-logs-listed"}
    delivered += more
    expected = written(delivered, "local")
    assert loaded(spark, stage, "flow_logs", expected) == expected


def test_a_failed_first_deploy_reports_the_reason_and_destroy_removes_its_leftovers(stage: EmbeddedStage) -> None:
    before = jobs(stage), profiles(stage), topics(stage)
    broken = another(stage, "broken", ('["network-engineers"]', '["network-engineers", "nobody-knows-us"]'))
    output: list[str] = []
    with pytest.raises(CdkError):
        broken.deploy(output.append)
    assert "nobody-knows-us" in "\n".join(output)
    broken.destroy()
    assert (jobs(stage), profiles(stage), topics(stage)) == before
    with stage.workspace.lock:
        assert [path for path in stage.workspace.state.objects if "broken" in path] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.aws.client("iam").get_role(RoleName="flow-log-reader-broken")
