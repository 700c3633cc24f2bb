"""`make probe` on the stage: one run of the real wheel beside the job, a report without names, nothing left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import access
from infra.config import Environment, load
from infra.probe import __main__ as command
from infra.wheel_build import build_wheel
from infra.workspace import deployment
from infra.workspace.outcome import Pace
from infra.workspace.tear_down import Aws
from infra.workspace.wheel_file import WheelFile, read_wheel
from infra.workspace_spec import workspace_spec
from local.aws import Stage, running
from local.runs.runner import ClusterRunner
from local.workspace import Behaviour, WorkspaceServer
from tests.e2e.buckets import BUCKET, LOGS, documents, make_bucket
from tests.infra.environment_files import changed
from tests.infra.ministack import ACCOUNT
from tests.unit.workspaces import connect, until

pytestmark = pytest.mark.slow

SECONDS = 240
LAUNCHER = f"arn:aws:iam::{ACCOUNT}:role/databricks-cross-account"
CHECKPOINT = "/Volumes/network/flow_logs/checkpoints/test"


@dataclass
class Clouds:
    """Both clouds, with the reader role and the bucket, and an environment file that fits them."""

    aws: Stage
    runner: ClusterRunner
    workspace: WorkspaceServer
    file: Path
    folder: Path

    @property
    def environment(self) -> Environment:
        return load(str(self.file))

    def deploy(self, wheel: WheelFile) -> None:
        clients = Aws(**{name: self.aws.client(name) for name in ("s3", "sns", "sqs")})
        pace = Pace(later=lambda what: pytest.fail(f"waits: {what}"))
        spec = workspace_spec(self.environment, queue_url=None)
        deployment.deploy(connect(self.workspace), spec, wheel_file=wheel, aws=clients, pace=pace)

    def put(self, name: str) -> None:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=f"{LOGS}/{name}", Body=b"version\n2\n")

    def output(self, entry_point: str) -> str:
        """What the last run of an entry point printed."""
        with self.workspace.lock:
            runs = list(self.runner.running.values())
        return next((run.output() for run in reversed(runs) if run._task.entry_point == entry_point), "")

    def made(self) -> dict[str, Any]:
        """All that a probe could leave behind."""
        sqs, sns, s3 = (self.aws.client(name) for name in ("sqs", "sns", "s3"))
        told = s3.get_bucket_notification_configuration(Bucket=BUCKET)
        told.pop("ResponseMetadata")
        return {
            "queues": sqs.list_queues().get("QueueUrls", []),
            "topics": sns.list_topics()["Topics"],
            "notification": told,
            "keys": [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])],
            "workspace": sorted(self.workspace.state.objects),
            "jobs": [(job.job_id, job.settings) for job in self.workspace.state.jobs.values()],
            "folders": sorted(str(path) for path in self.folder.rglob(".trial-*")),
        }


@contextmanager
def clouds(folder: Path) -> Iterator[Clouds]:
    with running(folder / "aws", account=ACCOUNT) as aws:
        runner = ClusterRunner(aws, launcher=LAUNCHER, folder=folder / "workspace")
        behaviour = Behaviour(object_to_profile=runner.object_to_profile)
        with WorkspaceServer(runner=runner, behaviour=behaviour) as workspace:
            workspace.state.node_types["m6gd.large"] = {
                **workspace.state.node_types["m5d.large"],
                "node_type_id": "m6gd.large",
            }
            file = folder / "test.toml"
            here = [
                ("https://example.cloud.databricks.com", workspace.host),
                ('"network.flow_logs.test"', '"flow_logs"'),
                (CHECKPOINT, f"file:{folder}/acme"),
                ("[workspace.cluster]", "verify = false\n\n[workspace.cluster]"),
            ]
            file.write_text(changed(*here))
            _roles(aws, load(str(file)))
            make_bucket(aws, load(str(file)))
            yield Clouds(aws, runner, workspace, file, folder)


def _roles(aws: Stage, environment: Environment) -> None:
    """The cross-account role, which may pass the reader, and the reader with its instance profile."""
    iam, reader = aws.client("iam"), environment.reader.role_name
    databricks = {"AWS": "arn:aws:iam::414351767826:root"}
    for name, principal in (("databricks-cross-account", databricks), (reader, {"Service": "ec2.amazonaws.com"})):
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    for policy, document in documents(environment).items():
        iam.put_role_policy(RoleName=reader, PolicyName=policy, PolicyDocument=json.dumps(document))
    passing = json.dumps(access.pass_role(environment).document)
    iam.put_role_policy(RoleName="databricks-cross-account", PolicyName="pass", PolicyDocument=passing)
    iam.create_instance_profile(InstanceProfileName=reader)
    iam.add_role_to_instance_profile(InstanceProfileName=reader, RoleName=reader)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    with clouds(tmp_path_factory.mktemp("clouds")) as found:
        yield found


@pytest.fixture
def probe(here: Clouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, str]]:
    """Run the command; its exit status, and the report."""
    monkeypatch.setenv("DATABRICKS_TOKEN", here.workspace.credentials.token)
    report = tmp_path / "report.md"

    def run() -> tuple[int, str]:
        status = command.main(["--env", str(here.file), "--output", str(report)])
        return status, report.read_text()

    return run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> WheelFile:
    return read_wheel(build_wheel(tmp_path_factory.mktemp("wheel")))


def section(report: str, title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", report, flags=re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def test_before_a_deploy_it_says_how_to_keep_what_a_failed_one_made(
    here: Clouds, probe: Callable[[], tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.made()
    status, report = probe()
    assert status == 0
    assert "the instance profile is not registered in the workspace" in section(report, "Not asked")
    assert f"make deploy ENV={here.file} ARGS=--no-rollback" in capsys.readouterr().out
    assert here.made() == before


def test_beside_the_running_job_it_answers_every_question_and_leaves_nothing(
    here: Clouds, probe: Callable[[], tuple[int, str]], wheel: WheelFile, capsys: pytest.CaptureFixture[str]
) -> None:
    here.deploy(wheel)
    here.put("a.log")
    until(lambda: "batch 0: 1 file" in here.output("ingest"), seconds=SECONDS)
    before = here.made()

    status, report = probe()

    assert status == 0
    assert here.made() == before
    said = capsys.readouterr().out
    assert said.startswith("Probing test in ")
    assert "this starts one cluster for a few minutes" in said.splitlines()[0]
    assert report in said
    assert said.rstrip().endswith("Next: look through it, and attach it to a bug report")

    good, bad = section(report, "Holds"), section(report, "Does not hold")
    assert "the run on the job's cluster" not in bad
    for question in (
        "Spark writes and reads there",
        "nothing is left below the checkpoint",
        "what the job needs is allowed",
        "the table's history has counts",
        "Auto Loader gives topic and queue one name",
        "the job's settings are read back as they were sent",
    ):
        assert f"**{question}**" in good, report
    # A range sort reads its input twice, and observes it twice.
    assert "40000 of 20000 rows" in bad
    seen = section(report, "Seen")
    assert "Spark 4." in seen
    assert "of Auto Loader" in section(report, "Seen")
    assert "run_if = ALL_SUCCESS" in seen
    for name in (ACCOUNT, BUCKET, "flow-log-reader", "acme", here.workspace.host, here.workspace.credentials.token):
        assert name not in report

    here.put("b.log")
    until(lambda: "batch 1: 1 file" in here.output("ingest"), seconds=SECONDS)
