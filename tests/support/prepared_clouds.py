"""Both clouds with the reader role, the bucket and an environment file, without a deploy by CDK."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from databricks.sdk.service import jobs

from infra.config import Environment, load
from infra.iam import policies
from infra.workspace import deployment
from infra.workspace.aws.tear_down import Aws
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.wheel.wheel_file import WheelFile
from infra.workspace_spec import workspace_spec
from local.aws import Emulator, running
from local.runs.runner import ClusterRunner
from local.workspace import Behavior, WorkspaceServer
from tests.support.buckets import BUCKET, LOGS, documents, make_bucket
from tests.support.environment_files import changed
from tests.support.ministack import ACCOUNT
from tests.support.workspaces import connect, until

LAUNCHER = f"arn:aws:iam::{ACCOUNT}:role/databricks-cross-account"
CHECKPOINT = "/Volumes/network/flow_logs/checkpoints/test"
PATIENT = Pace(later=lambda _: time.sleep(0.2))


@dataclass
class PreparedClouds:
    """Both clouds with the reader role, the bucket, and a matching environment file."""

    aws: Emulator
    runner: ClusterRunner
    workspace: WorkspaceServer
    file: Path
    folder: Path

    @property
    def environment(self) -> Environment:
        return load(str(self.file))

    @property
    def spec(self) -> WorkspaceSpec:
        return workspace_spec(self.environment, queue_url=None)

    def deploy(self, wheel: WheelFile) -> None:
        clients = Aws(**{name: self.aws.client(name) for name in ("s3", "sns", "sqs")})
        deployment.deploy(connect(self.workspace), self.spec, wheel_file=wheel, aws=clients, pace=PATIENT)

    def verify(self, wheel: WheelFile) -> str:
        """Run `verify` and return its output."""
        steps = deployment.verify(connect(self.workspace), self.spec, wheel_file=wheel, pace=PATIENT)
        return steps[-1].detail

    def pause(self) -> None:
        """Pause the job and end its run."""
        client = connect(self.workspace)
        (job,) = client.jobs.list()
        assert job.job_id is not None
        paused = jobs.Continuous(pause_status=jobs.PauseStatus.PAUSED)
        client.jobs.update(job.job_id, new_settings=jobs.JobSettings(continuous=paused))
        client.jobs.cancel_all_runs(job_id=job.job_id)
        until(lambda: not list(client.jobs.list_runs(job_id=job.job_id, active_only=True)), seconds=60)

    def put(self, name: str) -> None:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=f"{LOGS}/{name}", Body=b"version\n2\n")

    def output(self, entry_point: str) -> str:
        """Return the output of the last run of an entry point."""
        with self.workspace.lock:
            runs = list(self.runner.running.values())
        return next((run.output() for run in reversed(runs) if run._task.entry_point == entry_point), "")

    def resources(self) -> dict[str, Any]:
        """Return all resources that a probe could leave behind."""
        sqs, sns, s3 = (self.aws.client(name) for name in ("sqs", "sns", "s3"))
        configuration = s3.get_bucket_notification_configuration(Bucket=BUCKET)
        configuration.pop("ResponseMetadata")
        return {
            "queues": sqs.list_queues().get("QueueUrls", []),
            "topics": sns.list_topics()["Topics"],
            "notification": configuration,
            "keys": [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])],
            "workspace": sorted(self.workspace.state.objects),
            "jobs": [(job.job_id, job.settings) for job in self.workspace.state.jobs.values()],
            "folders": sorted(str(path) for path in self.folder.rglob(".trial-*")),
        }


@contextmanager
def prepared_clouds(folder: Path) -> Iterator[PreparedClouds]:
    with running(folder / "aws", account=ACCOUNT) as aws:
        runner = ClusterRunner(aws, launcher=LAUNCHER, folder=folder / "workspace")
        behavior = Behavior(object_to_profile=runner.object_to_profile)
        with WorkspaceServer(runner=runner, behavior=behavior) as workspace:
            workspace.state.node_types["m6gd.large"] = {
                **workspace.state.node_types["m5d.large"],
                "node_type_id": "m6gd.large",
            }
            workspace.state.catalogs["network"] = "admins"
            file = folder / "test.toml"
            edits = [
                ("https://example.cloud.databricks.com", workspace.host),
                ('"network.flow_logs.test"', '"flow_logs"'),
                (CHECKPOINT, "/Volumes/network/acme/checkpoints/test"),
                ("[workspace.cluster]", "verify = false\n\n[workspace.cluster]"),
            ]
            file.write_text(changed(*edits))
            _create_roles(aws, load(str(file)))
            make_bucket(aws, load(str(file)))
            yield PreparedClouds(aws, runner, workspace, file, folder)


def _create_roles(aws: Emulator, environment: Environment) -> None:
    """Create the cross-account role, which may pass the reader role, and the reader role with its profile."""
    iam, reader = aws.client("iam"), environment.reader.role_name
    databricks = {"AWS": "arn:aws:iam::414351767826:root"}
    for name, principal in (("databricks-cross-account", databricks), (reader, {"Service": "ec2.amazonaws.com"})):
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    for policy, document in documents(environment).items():
        iam.put_role_policy(RoleName=reader, PolicyName=policy, PolicyDocument=json.dumps(document))
    passing = json.dumps(policies.pass_role(environment).document)
    iam.put_role_policy(RoleName="databricks-cross-account", PolicyName="pass", PolicyDocument=passing)
    iam.create_instance_profile(InstanceProfileName=reader)
    iam.add_role_to_instance_profile(InstanceProfileName=reader, RoleName=reader)
