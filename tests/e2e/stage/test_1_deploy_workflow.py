"""The deploy job of deploy-staging.yml deploys the environment; the smoke test, its last step, finds later faults."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import Continuous, JobSettings, PauseStatus

from local.delivery import Delivered
from local.stage.composed import EmbeddedStage
from tests.support.github_runner import REPOSITORY, SUBJECT, Runner, Step
from tests.support.staging import SECONDS, deliver_during, nothing, outputs
from tests.support.workspaces import until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "subject",
    ["repo:octo-org/flow-logs:environment:local", f"repo:{REPOSITORY}:environment:staging", f"repo:{REPOSITORY}:ref:x"],
)
def test_a_token_with_another_subject_is_rejected(runner: Runner, subject: str) -> None:
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        runner.sign_in(subject)


def test_every_step_of_the_deploy_job_passes(deploy_job: list[Step]) -> None:
    assert deploy_job[-1].status == 0, f"{deploy_job[-1].command}\n{deploy_job[-1].output}"
    assert [step.command.split()[1] for step in deploy_job] == ["setup", "diff", "deploy", "smoke"]


def test_the_verify_run_of_the_deploy_finds_all_permissions(stage: EmbeddedStage) -> None:
    (output,) = outputs(stage, "verify")
    assert "ok:       sqs:ListQueues, sns:ListTopics on *" in output


@pytest.mark.usefixtures("stage")
def test_the_deploy_role_itself_cannot_read_the_bucket(runner: Runner) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        runner.stage.aws.client("s3", runner.sign_in(SUBJECT)).list_objects_v2(Bucket="flow-logs-local")


@pytest.mark.usefixtures("stage")
def test_the_summary_reports_the_health_of_the_environment(runner: Runner) -> None:
    summary = runner.summary.read_text()
    assert summary.startswith("### local: healthy")
    assert "| ok | job | continuous: http://127.0.0.1:" in summary
    assert "| - | maintenance | no run yet: waiting for the schedule: http://127.0.0.1:" in summary
    assert "| ok | bucket policy | flow-logs-local has all " in summary


@pytest.mark.usefixtures("stage")
def test_a_second_deploy_changes_nothing(runner: Runner, deploy_job: list[Step]) -> None:
    (deploy,) = (step.command for step in deploy_job if "make deploy" in step.command)
    status, output = runner.run(deploy, runner.sign_in(SUBJECT))
    assert status == 0, output
    assert "no changes" in output


def test_the_smoke_test_sees_delivered_files(stage: EmbeddedStage, runner: Runner, delivered: list[Delivered]) -> None:
    def smoke() -> tuple[int, str]:
        wait_for_a_batch(stage)
        # Delivery continues; at some point the queue is empty or shorter than before.
        return runner.smoke(patience=240)

    status, output = deliver_during(stage, delivered, seed=11, work=smoke)
    assert status == 0, output
    assert "records" in output
    assert "ok     quarantine" in output
    assert output.rstrip().endswith("Healthy")


def wait_for_a_batch(stage: EmbeddedStage) -> None:
    """Wait until the newest run has loaded a batch."""
    until(lambda: "batch " in outputs(stage)[-1], seconds=SECONDS)


def test_the_smoke_test_reports_denied_access_with_the_next_step(
    stage: EmbeddedStage, runner: Runner, delivered: list[Delivered]
) -> None:
    iam, role = stage.aws.client("iam"), stage.environment.reader.role_name
    denial = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::flow-logs-local/AWSLogs/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    runs = len(outputs(stage))

    def smoke() -> tuple[int, str]:
        # The workspace starts the next run when this one has failed.
        until(lambda: len(outputs(stage)) > runs, seconds=SECONDS)
        return runner.smoke()

    iam.put_role_policy(RoleName=role, PolicyName="mistake", PolicyDocument=document)
    try:
        status, output = deliver_during(stage, delivered, seed=12, records=20, work=smoke)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="mistake")
    assert status != 0
    assert "WRONG  access" in output
    assert "denied: " in output
    assert "python -m infra.workspace verify --env" in output
    wait_for_a_batch(stage)
    status, output = runner.smoke(patience=300)
    assert status == 0, output


def test_the_smoke_test_reports_a_paused_job_and_a_full_queue_with_the_next_step(
    stage: EmbeddedStage, runner: Runner, delivered: list[Delivered]
) -> None:
    client = WorkspaceClient(host=stage.workspace.host, token=stage.workspace.credentials.token)
    (job,) = client.jobs.list(name="vpc-flow-logs-local")
    assert job.job_id is not None
    client.jobs.update(job.job_id, new_settings=JobSettings(continuous=Continuous(pause_status=PauseStatus.PAUSED)))
    client.jobs.cancel_all_runs(job_id=job.job_id)
    until(lambda: not list(client.jobs.list_runs(job_id=job.job_id, active_only=True)), seconds=SECONDS)
    deliver_during(stage, delivered, seed=13, records=20, work=nothing)
    status, output = runner.smoke()
    assert status != 0
    assert "WRONG  job" in output
    assert "to start it again" in output
    assert "WRONG  queue         not drained: databricks-auto-ingest-" in output
    assert "Not healthy: job, queue" in output

    status, output = runner.run(f"python -m infra.workspace deploy --env {stage.environment_file}")
    assert status == 0, output
    wait_for_a_batch(stage)
    status, output = runner.smoke(patience=300)
    assert status == 0, output
