"""Two environments in one account and one workspace have separate resources; destroying one keeps the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from infra.environment import names
from local.delivery import Delivered, deliver
from local.stage.cdk import CdkError
from local.stage.composed import EmbeddedStage, embedded
from local.stage.sql import Sql

pytestmark = pytest.mark.slow

SECONDS = 300


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
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStage]:
    with embedded(tmp_path_factory.mktemp("two")) as embedded_stage:
        embedded_stage.bootstrap()
        yield embedded_stage


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


@pytest.fixture(scope="module")
def sql(stage: EmbeddedStage) -> Iterator[Sql]:
    with stage.sql() as sql_:
        yield sql_


@pytest.fixture(scope="module")
def delivered() -> list[Delivered]:
    return []


def job_id(stage: EmbeddedStage) -> int:
    with stage.workspace.lock:
        jobs = stage.workspace.state.jobs.values()
        (job,) = (entry.job_id for entry in jobs if entry.settings["name"] == names.stack_name(stage.environment))
    return int(job)


def written(delivered: list[Delivered], bucket: str) -> dict[str, int]:
    return {f"s3://{item.bucket}/{item.file.key}": item.file.rows for item in delivered if item.bucket == bucket}


def loaded(sql: Sql, table: str) -> dict[str, int]:
    if table not in {row["tableName"] for row in sql.rows("SHOW TABLES")}:
        return {}
    rows = sql.rows(f"SELECT source_file, count(*) AS records FROM {table} GROUP BY ALL")
    return {row["source_file"]: row["records"] for row in rows}


def wait_until_loaded(sql: Sql, name: str, delivered: list[Delivered]) -> None:
    """Wait until the environment's table has exactly the deliveries to its bucket."""
    expected = written(delivered, f"flow-logs-{name}")
    assert expected
    end = time.monotonic() + SECONDS
    while (files := loaded(sql, f"flow_logs_{name}")) != expected:
        assert time.monotonic() < end, f"{name}: {len(files)} files in the table after {SECONDS} s, not {len(expected)}"
        time.sleep(1)


def test_each_environment_loads_its_own_bucket_by_queue_and_by_listing(
    stage: EmbeddedStage, queued: EmbeddedStage, listed: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    delivered += deliver(stage.aws, seed=5, intervals=2, records=50)
    assert {item.bucket for item in delivered} == {"flow-logs-queued", "flow-logs-listed"}
    assert [item.error for item in delivered if item.error] == []
    stage.workspace.fire_schedule(job_id(listed))
    wait_until_loaded(sql, "queued", delivered)
    wait_until_loaded(sql, "listed", delivered)


def test_destroying_one_environment_keeps_the_other(
    stage: EmbeddedStage, queued: EmbeddedStage, listed: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    job = job_id(listed)
    queued.destroy()
    aws = stage.aws
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName="flow-log-reader-queued")
    with stage.workspace.lock:
        left = [entry.settings["name"] for entry in stage.workspace.state.jobs.values()]
        assert left == ["vpc-flow-logs-listed", "vpc-flow-logs-listed maintenance"]
        assert [arn.rsplit("/", 1)[-1] for arn in stage.workspace.state.instance_profiles] == ["flow-log-reader-listed"]
    more = deliver(stage.aws, seed=6, intervals=1, records=50)
    assert {item.bucket for item in more} == {"flow-logs-listed"}
    delivered += more
    stage.workspace.fire_schedule(job)
    wait_until_loaded(sql, "listed", delivered)


def test_a_failed_first_deploy_reports_the_reason_and_destroy_removes_its_leftovers(
    stage: EmbeddedStage, listed: EmbeddedStage
) -> None:
    before = (set(stage.workspace.state.jobs), set(stage.workspace.state.instance_profiles))
    broken = another(stage, "broken", ('["network-engineers"]', '["network-engineers", "nobody-knows-us"]'))
    output: list[str] = []
    with pytest.raises(CdkError):
        broken.deploy(output.append)
    assert "nobody-knows-us" in "\n".join(output)
    broken.destroy()
    with stage.workspace.lock:
        assert (set(stage.workspace.state.jobs), set(stage.workspace.state.instance_profiles)) == before
        assert [path for path in stage.workspace.state.objects if "broken" in path] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.aws.client("iam").get_role(RoleName="flow-log-reader-broken")
    assert stage.aws.client("sns").list_topics().get("Topics", []) == []
