"""The deployed job on a cluster: a missing bucket, `make probe` alongside the running job, and missing permissions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest

from infra.assets.wheel import build_wheel
from infra.probe import __main__ as command
from infra.workspace.errors import DeploymentError
from infra.workspace.wheel.wheel_file import WheelFile, read_wheel
from tests.support.buckets import BUCKET, documents, make_bucket, without_action
from tests.support.ministack import ACCOUNT
from tests.support.prepared_clouds import PreparedClouds, prepared_clouds
from tests.support.workspaces import until

pytestmark = pytest.mark.slow

SECONDS = 600


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedClouds]:
    with prepared_clouds(tmp_path_factory.mktemp("clouds")) as both:
        yield both


@pytest.fixture
def probe(here: PreparedClouds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, str]]:
    """Return a function that runs the command and returns its exit status and the report."""
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
    match = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", report, flags=re.DOTALL | re.MULTILINE)
    return match[1] if match else ""


def test_before_a_deploy_the_probe_explains_how_to_keep_the_resources_of_a_failed_one(
    here: PreparedClouds, probe: Callable[[], tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.resources()
    status, report = probe()
    assert status == 0
    assert "the instance profile is not registered in the workspace" in section(report, "Not asked")
    assert f"make deploy ENV={here.file} ARGS=--no-rollback" in capsys.readouterr().out
    assert here.resources() == before


def test_a_missing_bucket_is_reported_before_table_and_checkpoint_are_created(
    here: PreparedClouds, wheel: WheelFile
) -> None:
    """The environment has no verify run, which would report the bucket before the job's first run."""
    here.aws.client("s3").delete_bucket(Bucket=BUCKET)
    here.deploy(wheel)
    message = f"the bucket of VPC Logs Path 's3://{BUCKET}/"
    output = until(lambda: (text := here.output("ingest")).count("Nothing was created.") and text, seconds=SECONDS)
    created = [path for name in ("_delta_log", "offsets") for path in here.folder.rglob(name)]
    # The workspace starts the continuous job again, and the next run finds the bucket.
    make_bucket(here.aws, here.environment)

    assert message in output
    assert "does not exist.\nNothing was created." in output
    assert created == []


def test_alongside_the_running_job_the_probe_answers_every_question_and_leaves_nothing(
    here: PreparedClouds, probe: Callable[[], tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    here.put("a.log")
    until(lambda: "batch 0: 1 file" in here.output("ingest"), seconds=SECONDS)
    before = here.resources()

    status, report = probe()

    assert status == 0
    assert here.resources() == before
    output = capsys.readouterr().out
    assert output.startswith("Probing test in ")
    assert "This starts one cluster for a few minutes" in output.splitlines()[0]
    assert report in output
    assert output.rstrip().endswith("Next: read the report and attach it to a bug report")

    good, bad = section(report, "Holds"), section(report, "Does not hold")
    assert "the run on the job's cluster" not in bad
    for question in (
        "DbutilsFolders writes, lists and reads below the checkpoint",
        "Spark reads the file that was written there",
        "Spark writes and reads there",
        "nothing is left below the checkpoint",
        "the job has the permissions that it needs",
        "the table's history has counts",
        "a set that is observed before a range sort is correct",
        "Auto Loader gives the topic and the queue the same name",
        "the workspace returns the job's settings as sent",
    ):
        assert f"**{question}**" in good, report
    # A range sort reads its input twice and therefore counts it twice.
    assert "40000 of 20000 rows" in bad
    seen = section(report, "Seen")
    assert "Spark 4." in seen
    assert "of Auto Loader" in section(report, "Seen")
    assert "run_if = ALL_SUCCESS" in seen
    for name in (ACCOUNT, BUCKET, "flow-log-reader", "acme", here.workspace.host, here.workspace.credentials.token):
        assert name not in report

    here.put("b.log")
    until(lambda: "batch 1: 1 file" in here.output("ingest"), seconds=SECONDS)


def test_a_verify_run_reports_all_missing_permissions_in_one_message(here: PreparedClouds, wheel: WheelFile) -> None:
    here.pause()
    removed = ("s3:ListBucket", "s3:GetBucketNotification", "sqs:ListQueues", "sns:Subscribe")
    iam, role_name = here.aws.client("iam"), here.environment.reader.role_name
    here.aws.client("s3").delete_bucket_policy(Bucket=BUCKET)
    for name, document in documents(here.environment).items():
        narrower = json.dumps(reduce(without_action, removed, document))
        iam.put_role_policy(RoleName=role_name, PolicyName=name, PolicyDocument=narrower)
    with pytest.raises(DeploymentError) as failed:
        here.verify(wheel)
    output = here.output("verify")
    assert f"s3:ListBucket on arn:aws:s3:::{BUCKET}: denied" in output
    message = output[output.index("The run failed: ") :]
    assert "4 things are missing" in message
    # The reason in CloudFormation's event is limited to 900 characters and has all of them too.
    assert [action for action in removed if action not in message or action not in str(failed.value)] == []
