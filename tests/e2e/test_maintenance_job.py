"""A run of the deployed maintenance job: the wheel's `maintain` on S3, with only the permissions of the reader role."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import RunResultState

from infra.assets.wheel import build_wheel
from infra.workspace import deployment
from infra.workspace.aws.tear_down import Aws
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.wheel.wheel_file import read_wheel
from local.workspace import WorkspaceServer
from tests.support.buckets import BUCKET, documents
from tests.support.environment_files import OFF, changed, maintenance
from tests.support.prepared_clouds import PATIENT, PreparedClouds, prepared_clouds
from tests.support.workspaces import connect, until
from vpc_flow_logs.fields import DEFAULT_FORMAT

pytestmark = pytest.mark.slow

SECONDS = 600
LAKE = "lake"
EDITS = (
    ('"flow_logs"', '"hive_metastore.default.flow_logs"'),
    ('trigger = "continuous"', 'trigger = "scheduled"\nschedule = "0 0/15 * * * ?"'),
    ("checkpoint_path =", f'delta_output_path = "s3://{LAKE}/net/flow_logs"\ncheckpoint_path ='),
    OFF,
    maintenance("keep_days = 2", "keep_hourly_days = 400"),
)
DAY = 86_400
FOLDER = "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/11/24"


def spec_of(both: PreparedClouds) -> WorkspaceSpec:
    """Return the settings with a table name that the stage's Spark can resolve, because it has no Hive metastore."""
    spec = both.spec
    assert spec.maintenance is not None
    table = {"table-name": "flow_logs"}
    return replace(
        spec,
        job=replace(spec.job, parameters={**spec.job.parameters, **table}),
        maintenance=replace(spec.maintenance, parameters={**spec.maintenance.parameters, **table}),
    )


def file_of(start: int, count: int) -> bytes:
    """Return a file with records of one hour in the default format."""
    lines = [" ".join(DEFAULT_FORMAT)]
    for number in range(count):
        flow = f"10.0.0.{number % 5} 10.0.1.9 {40_000 + number} 443 6 {number + 1} {100 * (number + 1)}"
        lines.append(f"2 111122223333 eni-0a1b2c3d4e5f60718 {flow} {start + number} {start + number + 9} ACCEPT OK")
    return gzip.compress("\n".join(lines).encode())


def run(server: WorkspaceServer, client: WorkspaceClient, job_id: int | None) -> str:
    """Run a job now, wait until the run has succeeded, and return its output."""
    assert job_id is not None
    run_id = int(client.jobs.run_now(job_id).run_id)
    until(lambda: server.state.runs[run_id].ended, seconds=SECONDS)
    ended = client.jobs.get_run(run_id)
    (task,) = ended.tasks or []
    output = client.jobs.get_run_output(task.run_id or 0)
    assert ended.state is not None
    assert ended.state.result_state is RunResultState.SUCCESS, f"{output.error}\n{output.logs}"
    return output.logs or ""


def test_the_job_rolls_up_and_expires_a_table_in_s3_with_the_permissions_of_the_reader_role(tmp_path: Path) -> None:
    wheel = read_wheel(build_wheel(tmp_path / "wheel"))
    with prepared_clouds(tmp_path) as both:
        both.file.write_text(changed(*EDITS, text=both.file.read_text()))
        s3, iam = both.aws.client("s3"), both.aws.client("iam")
        s3.create_bucket(Bucket=LAKE)
        for name, document in documents(both.environment).items():
            policy = json.dumps(document)
            iam.put_role_policy(RoleName=both.environment.reader.role_name, PolicyName=name, PolicyDocument=policy)
        now = int(time.time())
        for name, start, count in (("old", now - 5 * DAY, 30), ("new", now - DAY, 20)):
            s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}.log.gz", Body=file_of(start // 3600 * 3600, count))
        client = connect(both.workspace)
        aws = Aws(**{name: both.aws.client(name) for name in ("s3", "sns", "sqs")})
        deployed = deployment.deploy(client, spec_of(both), wheel_file=wheel, aws=aws, pace=PATIENT)

        assert "50 records" in run(both.workspace, client, deployed.job_id)
        output = run(both.workspace, client, deployed.maintenance_id)
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=LAKE)["Contents"]]
        log = "".join(
            s3.get_object(Bucket=LAKE, Key=key)["Body"].read().decode()
            for key in keys
            if key.startswith("net/flow_logs/_delta_log/") and key.endswith(".json")
        )
    steps = [line.split()[0] for line in output.splitlines() if line.startswith(("roll-up", "expiry", "vacuum"))]
    assert list(dict.fromkeys(steps)) == ["roll-up", "expiry", "vacuum"]
    assert any(key.startswith("net/flow_logs_hourly/") and key.endswith(".parquet") for key in keys)
    assert '"operation":"DELETE"' in log
