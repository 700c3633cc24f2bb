"""Runs of the workspace with the emulated AWS: their permissions, the tables they keep, and their end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest
from databricks.sdk.service import compute, jobs

from local.aws import Emulator, running
from local.processes import session_members
from local.runs.runner import ClusterRunner
from local.workspace import Behavior, ExternalLocation, WorkspaceServer
from tests.support.wheels import wheel
from tests.support.workspaces import CLUSTER, WHEEL, connect, put_wheel, until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600
LAUNCHER = "arn:aws:iam::000000000000:role/databricks-cross-account"
PROFILE = "arn:aws:iam::000000000000:instance-profile"
MODULE = """
import json, os, sys, time
from pathlib import Path

def first():
    identify()
    use_folders()
    keep()

def second():
    find()
    raise SystemExit(0)

def third():
    read()
    raise ValueError("one reason\\nand where")

def show(what, result):
    print(f"{what}:", json.dumps(result))

def identify():
    import boto3
    show("identity", {
        "arguments": sys.argv[1:],
        "aws": sorted(name for name in os.environ if name.startswith("AWS_")),
        "token": bool(os.environ.get("AWS_SESSION_TOKEN")),
        "caller": boto3.client("sts").get_caller_identity()["Arn"],
        "home": os.listdir(Path.home() / ".aws") if (Path.home() / ".aws").exists() else None,
        "module": __file__,
    })

def keep():
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    for name, path in (("kept", ""), ("kept_at", "/FlowLogs/kept")):
        spark.sql(f"CREATE TABLE {name} (a INT) USING DELTA" + (f" LOCATION '{path}'" if path else ""))
        spark.sql(f"INSERT INTO {name} VALUES (1)")
    spark.sql("ALTER TABLE kept ADD COLUMNS (b STRING)")
    spark.sql("CREATE SCHEMA network")
    spark.sql("CREATE TABLE network.flows (a INT) USING DELTA")
    spark.sql("CREATE TABLE gone (a INT) USING DELTA")
    spark.sql("DROP TABLE gone")
    spark.sql("CREATE VIEW kept_view (a COMMENT 'A') TBLPROPERTIES ('by' = 'us') AS SELECT a FROM kept")
    kept = "FUNCTION kept_answer (b INT DEFAULT 1) RETURNS TABLE (c INT) RETURN"
    spark.sql(f"CREATE {kept} SELECT 0 FROM kept")
    spark.sql(f"CREATE OR REPLACE {kept} SELECT a + b FROM kept_view")
    spark.sql("CREATE FUNCTION gone_answer () RETURNS TABLE (c INT) RETURN SELECT 0")
    spark.sql("DROP FUNCTION gone_answer")

def find():
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    result = {"tables": sorted(table.name for table in spark.catalog.listTables())}
    for name in ("kept", "kept_at", "network.flows"):
        result[name] = [spark.table(name).count(), spark.sql(f"DESCRIBE DETAIL {name}").first().location]
    result["columns"] = spark.table("kept").columns
    result["answers"] = [spark.sql(f"SELECT * FROM kept_answer({b})").first().c for b in ("", "b => 2")]
    result["functions"] = [row.function for row in spark.sql("SHOW USER FUNCTIONS LIKE '*_answer'").collect()]
    show("tables", result)

def read():
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    rows = spark.read.format("binaryFile").load("s3://logs/allowed/*").collect()
    show("objects", [[row.path, bytes(row.content).decode()] for row in rows])
    try:
        spark.read.format("binaryFile").load("s3://logs/other/").collect()
    except Exception as error:
        show("denial", str(error))

def wait():
    print("waiting", flush=True)
    time.sleep(600)

def use_folders():
    from pyspark.sql import SparkSession
    from pyspark.dbutils import DBUtils
    spark = SparkSession.builder.getOrCreate()
    result = {}
    for path in ("/Volumes/network/flow_logs/checkpoints", "s3://governed/table", "s3://logs/allowed"):
        try:
            spark._jvm.org.apache.hadoop.fs.Path(path).getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
            result[path] = "a file system"
        except Exception as error:
            result[path] = str(error)
    fs = DBUtils(spark).fs
    fs.put("/Volumes/network/flow_logs/checkpoints/a.txt", "text", True)
    result["head"] = fs.head("/Volumes/network/flow_logs/checkpoints/a.txt")
    result["names"] = [entry.name for entry in fs.ls("/Volumes/network/flow_logs/checkpoints")]
    fs.rm("/Volumes/network/flow_logs/checkpoints/a.txt")
    result["after"] = [entry.name for entry in fs.ls("/Volumes/network/flow_logs/checkpoints")]
    result["by Spark"] = [row.value for row in spark.read.text("/Volumes/network/flow_logs/checkpoints").collect()]
    show("files", result)
"""
FUNCTIONS = ("first", "second", "third", "wait")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws")) as stage:
        _reader(stage, "reader")
        _reader(stage, "other")
        _role(stage, "databricks-cross-account", "AWS", "arn:aws:iam::414351767826:root")
        passing = {
            **_allowed("iam:PassRole", "arn:aws:iam::000000000000:role/reader"),
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        }
        _put_policy(stage, "databricks-cross-account", passing)
        s3 = stage.client("s3")
        s3.create_bucket(Bucket="logs")
        for key in ("allowed/a", "other/b"):
            s3.put_object(Bucket="logs", Key=key, Body=key.encode())
        listing = {
            **_allowed("s3:ListBucket", "arn:aws:s3:::logs"),
            "Condition": {"StringLike": {"s3:prefix": "allowed/*"}},
        }
        _put_policy(stage, "reader", listing, _allowed("s3:GetObject", "arn:aws:s3:::logs/allowed/*"))
        yield stage


def _allowed(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _role(stage: Emulator, name: str, kind: str, principal: str) -> None:
    trust = {"Effect": "Allow", "Principal": {kind: principal}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    stage.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def _put_policy(stage: Emulator, role: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    stage.client("iam").put_role_policy(RoleName=role, PolicyName="test", PolicyDocument=document)


def _reader(stage: Emulator, name: str) -> None:
    iam = stage.client("iam")
    _role(stage, name, "Service", "ec2.amazonaws.com")
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


@pytest.fixture(scope="module")
def runner(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> ClusterRunner:
    return ClusterRunner(aws, launcher=LAUNCHER, folder=tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def server(runner: ClusterRunner) -> Iterator[WorkspaceServer]:
    behavior = Behavior(object_to_profile=runner.object_to_profile)
    with WorkspaceServer(runner=runner, behavior=behavior) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def client(server: WorkspaceServer) -> WorkspaceClient:
    client = connect(server)
    client.instance_profiles.add(f"{PROFILE}/reader")
    put_wheel(client, wheel(MODULE, functions=FUNCTIONS))
    return client


def submit(client: WorkspaceClient, entry_point: str, *, profile: str = "reader", **parameters: str) -> int:
    """Start a one-time run and return the id of its task's run."""
    attributes = {"instance_profile_arn": f"{PROFILE}/{profile}"}
    task = jobs.SubmitTask(
        task_key="work",
        new_cluster=compute.ClusterSpec.from_dict({**CLUSTER, "aws_attributes": attributes}),
        libraries=[compute.Library(whl=WHEEL)],
        python_wheel_task=jobs.PythonWheelTask("work", entry_point, named_parameters=parameters),
    )
    run = client.jobs.get_run(client.jobs.submit(tasks=[task]).response.run_id or 0)
    (task_run,) = run.tasks or []
    assert task_run.run_id is not None
    return task_run.run_id


def wait_for_end(client: WorkspaceClient, run_id: int) -> tuple[str, jobs.RunOutput]:
    """Wait for a task to end, and return its result and output."""
    until(lambda: client.jobs.get_run(run_id).end_time, seconds=SECONDS)
    output = client.jobs.get_run_output(run_id)
    assert output.metadata is not None
    assert output.metadata.state is not None
    state = output.metadata.state
    return (state.result_state.value if state.result_state else str(state.life_cycle_state)), output


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its result, its output, and the folder of its task."""

    result: str
    output: jobs.RunOutput
    folder: Path

    def printed(self, what: str) -> Any:
        (line,) = [line for line in (self.output.logs or "").splitlines() if line.startswith(f"{what}: ")]
        return json.loads(line.removeprefix(f"{what}: "))


# A run starts Spark, so a few runs do everything that the tests check.


@pytest.fixture(scope="module")
def first(server: WorkspaceServer, client: WorkspaceClient, runner: ClusterRunner) -> Ended:
    """Run the functions `identify`, `use_folders` and `keep`."""
    location = ExternalLocation("governed", "s3://governed", "credential", owner=server.credentials.client_id)
    server.state.external_locations["governed"] = location
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "somebody's own")
        run_id = submit(client, "first", table="a b")
    return Ended(*wait_for_end(client, run_id), runner.running[run_id].folder)


@pytest.fixture(scope="module")
def second(first: Ended, client: WorkspaceClient, runner: ClusterRunner) -> Ended:
    """Run `find`, then exit with status 0."""
    run_id = submit(client, "second")
    return Ended(*wait_for_end(client, run_id), runner.running[run_id].folder)


@pytest.fixture(scope="module")
def third(client: WorkspaceClient, runner: ClusterRunner) -> Ended:
    """Run `read`, then raise an exception."""
    run_id = submit(client, "third")
    return Ended(*wait_for_end(client, run_id), runner.running[run_id].folder)


def test_a_run_has_only_temporary_credentials_of_its_profiles_role(first: Ended) -> None:
    assert first.result == "SUCCESS", first.output
    printed = first.printed("identity")
    assert printed["arguments"] == ["--table=a b"]
    assert printed["caller"].startswith("arn:aws:sts::000000000000:assumed-role/reader/i-0")
    assert printed["token"] is True
    assert printed["home"] is None
    assert printed["aws"] == [
        "AWS_ACCESS_KEY_ID",
        "AWS_CA_BUNDLE",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
    ]
    # The module comes from the uploaded wheel and not from this machine.
    assert printed["module"].startswith(str(first.folder))


def test_unity_catalog_denies_hadoop_file_systems_but_not_dbutils_and_spark(first: Ended) -> None:
    assert first.printed("files") == {
        "/Volumes/network/flow_logs/checkpoints": "No Unity API token found in Unity Scope",
        "s3://governed/table": "No Unity API token found in Unity Scope",
        "s3://logs/allowed": "a file system",
        "head": "text",
        "names": ["a.txt"],
        "after": [],
        "by Spark": [],
    }


def test_tables_views_and_functions_outlive_the_run_that_created_them_with_name_and_location(second: Ended) -> None:
    assert second.printed("tables") == {
        "tables": ["kept", "kept_at", "kept_view"],
        "kept": [1, "dbfs:/user/hive/warehouse/kept"],
        "kept_at": [1, "dbfs:/FlowLogs/kept"],
        "network.flows": [0, "dbfs:/user/hive/warehouse/network.db/flows"],
        "columns": ["a", "b"],
        "answers": [2, 3],
        "functions": ["spark_catalog.default.kept_answer"],
    }


def test_spark_reads_only_the_objects_that_the_role_may_read(third: Ended) -> None:
    assert third.printed("objects") == [["s3://logs/allowed/a", "allowed/a"]]
    assert "AccessDenied" in third.printed("denial")


def test_an_exception_or_any_exit_fails_the_run(second: Ended, third: Ended) -> None:
    for ended, error in ((second, "SystemExit: 0"), (third, "ValueError: one reason\nand where")):
        assert ended.result == "FAILED"
        assert ended.output.error == error
        assert error.splitlines()[0] in (ended.output.error_trace or "")


def test_a_run_with_a_role_that_may_not_be_passed_does_not_start(client: WorkspaceClient) -> None:
    denied = "is not authorized to perform: iam:PassRole on resource: arn:aws:iam::000000000000:role/other"
    with pytest.raises(BadRequest, match=denied):
        client.instance_profiles.add(f"{PROFILE}/other")
    client.instance_profiles.add(f"{PROFILE}/other", skip_validation=True)
    result, output = wait_for_end(client, submit(client, "first", profile="other"))
    assert result == "FAILED"
    assert denied in (output.error or "")
    assert not output.logs


def test_a_profile_that_does_not_exist_is_rejected(client: WorkspaceClient) -> None:
    with pytest.raises(BadRequest, match="Invalid IAM Instance Profile ARN"):
        client.instance_profiles.add(f"{PROFILE}/nobody")


def test_an_unknown_entry_point_is_reported_with_the_entry_points_of_the_wheel(client: WorkspaceClient) -> None:
    result, output = wait_for_end(client, submit(client, "load"))
    assert result == "FAILED"
    assert f"has no entry point load. It has: {', '.join(sorted(FUNCTIONS))}" in (output.error or "")


def test_canceling_a_run_ends_all_its_processes(client: WorkspaceClient, runner: ClusterRunner) -> None:
    run_id = submit(client, "wait")
    task = runner.running[run_id]
    until(lambda: "waiting" in task.output(), seconds=SECONDS)
    assert len(session_members(task.pid)) > 1  # Python and Java
    (active,) = client.jobs.list_runs(active_only=True, run_type=jobs.RunType.SUBMIT_RUN)
    client.jobs.cancel_run(active.run_id or 0)
    assert wait_for_end(client, run_id)[0] == "CANCELED"
    assert session_members(task.pid) == []


def test_a_killed_run_fails_and_leaves_no_process(client: WorkspaceClient, runner: ClusterRunner) -> None:
    run_id = submit(client, "wait")
    task = runner.running[run_id]
    until(lambda: len(session_members(task.pid)) > 1, seconds=SECONDS)
    os.kill(task.pid, signal.SIGKILL)
    result, output = wait_for_end(client, run_id)
    assert result == "FAILED"
    assert output.error == (
        "The Python process exited with exit code 137 (SIGKILL: Killed). This may have been caused by an OOM error."
    )
    assert session_members(task.pid) == []


PARENT = """
import sys, time
from pathlib import Path
from local.runs import wheel
from local.runs.process import RunningTask
from local.runs.storage import Storage
from local.runs.task import Task
folder = Path(sys.argv[1])
wheel.unpack(folder / "work.whl", folder / "site")
storage = Storage(folder / "storage").make()
task = Task("work", "wait", [], *(str(folder / name) for name in ("site", "storage", "scratch", "failure.json")))
import os
print(RunningTask(task, folder=folder, environment=os.environ).pid, flush=True)
time.sleep(600)
"""


def test_a_run_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "work.whl").write_bytes(wheel(MODULE, functions=FUNCTIONS))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        env={**inherited, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        leader = int(parent.stdout.readline())
        until(lambda: len(session_members(leader)) > 1, seconds=SECONDS)
        parent.kill()
    until(lambda: session_members(leader) == [], seconds=10)
