"""Two environments in one account and one workspace: each has its own, and the end of one is not the other's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from local.delivery import Delivered, deliver
from local.stage.cdk import CdkError
from local.stage.composed import EmbeddedStage, embedded
from local.stage.sql import Sql

pytestmark = pytest.mark.slow

SECONDS = 300


def another(stage: EmbeddedStage, name: str, *changes: tuple[str, str]) -> EmbeddedStage:
    """The same clouds with an environment file of another name, made of the local one."""
    text = stage.environment_file.read_text()
    own = [
        ('"flow-logs-local"', f'"flow-logs-{name}"'),
        ('"flow-log-reader-local"', f'"flow-log-reader-{name}"'),
        ('table = "flow_logs"', f'table = "flow_logs_{name}"'),
        ("/FlowLogs/checkpoint", f"/FlowLogs/checkpoint_{name}"),
        ("[workspace.cluster]", "verify = false\n\n[workspace.cluster]"),
    ]
    for old, new in (*own, *changes):
        assert old in text, old
        text = text.replace(old, new)
    file = stage.folder / f"{name}.toml"
    file.write_text(text)
    return replace(stage, environment_file=file)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStage]:
    with embedded(tmp_path_factory.mktemp("two")) as found:
        found.bootstrap()
        yield found


@pytest.fixture(scope="module")
def queued(stage: EmbeddedStage) -> EmbeddedStage:
    """Its job runs all the time, and reads the queue that the stack made."""
    found = another(stage, "queued", ('"auto-loader"', '"stack"'))
    found.deploy()
    return found


@pytest.fixture(scope="module")
def listed(stage: EmbeddedStage) -> EmbeddedStage:
    """Its job runs by a schedule, and lists the bucket."""
    scheduled = 'trigger = "scheduled"\nschedule = "0 0 4 * * ?"'
    found = another(
        stage,
        "listed",
        ('"auto-loader"', '"off"'),
        ('trigger = "continuous"', scheduled),
        ("interval_seconds = 2\n", ""),
    )
    found.deploy()
    return found


@pytest.fixture(scope="module")
def sql(stage: EmbeddedStage) -> Iterator[Sql]:
    with stage.sql() as found:
        yield found


@pytest.fixture(scope="module")
def delivered() -> list[Delivered]:
    return []


def job_id(stage: EmbeddedStage) -> int:
    with stage.workspace.lock:
        jobs = stage.workspace.state.jobs.values()
        (found,) = (one.job_id for one in jobs if (one.settings.get("tags") or {}).get(TAG) == stage.environment.name)
    return int(found)


TAG = "vpc-flow-logs-environment"


def written(delivered: list[Delivered], bucket: str) -> dict[str, int]:
    return {f"s3://{one.bucket}/{one.file.key}": one.file.rows for one in delivered if one.bucket == bucket}


def loaded(sql: Sql, table: str) -> dict[str, int]:
    if table not in {row["tableName"] for row in sql.rows("SHOW TABLES")}:
        return {}
    rows = sql.rows(f"SELECT source_file, count(*) AS records FROM {table} GROUP BY ALL")
    return {row["source_file"]: row["records"] for row in rows}


def loads(sql: Sql, name: str, delivered: list[Delivered]) -> None:
    """Wait until the environment's table has just what was delivered to its bucket."""
    wanted = written(delivered, f"flow-logs-{name}")
    assert wanted
    end = time.monotonic() + SECONDS
    while (found := loaded(sql, f"flow_logs_{name}")) != wanted:
        assert time.monotonic() < end, f"{name}: {len(found)} files in the table after {SECONDS} s, not {len(wanted)}"
        time.sleep(1)


def test_each_environment_loads_its_own_bucket_by_queue_and_by_listing(
    stage: EmbeddedStage, queued: EmbeddedStage, listed: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    delivered += deliver(stage.aws, seed=5, intervals=2, records=50)
    assert {one.bucket for one in delivered} == {"flow-logs-queued", "flow-logs-listed"}
    assert [one.error for one in delivered if one.error] == []
    stage.workspace.fire_schedule(job_id(listed))
    loads(sql, "queued", delivered)
    loads(sql, "listed", delivered)


def test_the_end_of_one_environment_leaves_the_other_as_it_was(
    stage: EmbeddedStage, queued: EmbeddedStage, listed: EmbeddedStage, sql: Sql, delivered: list[Delivered]
) -> None:
    kept = job_id(listed)
    queued.destroy()
    aws = stage.aws
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.client("iam").get_role(RoleName="flow-log-reader-queued")
    with stage.workspace.lock:
        assert list(stage.workspace.state.jobs) == [kept]
        assert [arn.rsplit("/", 1)[-1] for arn in stage.workspace.state.instance_profiles] == ["flow-log-reader-listed"]
    more = deliver(stage.aws, seed=6, intervals=1, records=50)
    assert {one.bucket for one in more} == {"flow-logs-listed"}
    delivered += more
    stage.workspace.fire_schedule(kept)
    loads(sql, "listed", delivered)


def test_a_first_deploy_that_fails_says_why_and_destroy_takes_away_what_is_left(
    stage: EmbeddedStage, listed: EmbeddedStage
) -> None:
    before = (set(stage.workspace.state.jobs), set(stage.workspace.state.instance_profiles))
    broken = another(stage, "broken", ('["network-engineers"]', '["network-engineers", "nobody-knows-us"]'))
    said: list[str] = []
    with pytest.raises(CdkError):
        broken.deploy(said.append)
    assert "nobody-knows-us" in "\n".join(said)
    broken.destroy()
    with stage.workspace.lock:
        assert (set(stage.workspace.state.jobs), set(stage.workspace.state.instance_profiles)) == before
        assert [path for path in stage.workspace.state.objects if "broken" in path] == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.aws.client("iam").get_role(RoleName="flow-log-reader-broken")
    assert stage.aws.client("sns").list_topics().get("Topics", []) == []
