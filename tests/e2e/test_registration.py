"""The custom resource on the stage: CloudFormation, CDK's provider, the zip, with the rights that the review shows.

Only the handler is another (`registration/handler.py`): it tells what it finds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.ingestion import TYPE
from local.aws import Stage, running
from tests.e2e.stages import cdk, make_cross_account_role
from tests.infra.environment_files import STACK, changed

pytestmark = pytest.mark.slow

_APP = f"{sys.executable} -m tests.e2e.registration.app"
_STACK = "vpc-flow-logs-test"
_SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/test-AbCdEf"
_PROFILE = "arn:aws:iam::111122223333:instance-profile/flow-log-reader"
_WORKER = ("workers = 0", "workers = 1")
_PAUSE = ('trigger = "continuous"', 'trigger = "continuous"\npause = true')


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running(tmp_path_factory.mktemp("aws"), account="111122223333") as found:
        yield found


def _outputs(stage: Stage) -> dict[str, str]:
    (stack,) = stage.client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _resource(stage: Stage) -> dict[str, Any]:
    found = stage.client("cloudformation").describe_stack_resources(StackName=_STACK)["StackResources"]
    return next(resource for resource in found if resource["ResourceType"] == TYPE)


def _asked(stage: Stage) -> list[str]:
    """What the check function said each time, in order."""
    logs = stage.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{_STACK}-registration-check")["events"]
    return [line for event in events for line in event["message"].splitlines() if line.startswith("asked")]


def test_it_is_created_updated_refused_and_deleted(stage: Stage, tmp_path: Path) -> None:
    secret = stage.client("secretsmanager").create_secret(
        Name="databricks/test", SecretString='{"client_id": "x", "client_secret": "not-in-any-log"}'
    )
    file = tmp_path / "test.toml"

    def run(*arguments: str, changes: tuple[tuple[str, str], ...] = ()) -> str:
        file.write_text(changed(STACK, (_SECRET, secret["ARN"]), *changes))
        return cdk(stage, *arguments, "--app", _APP, "-c", f"env={file}", folder=tmp_path)

    make_cross_account_role(stage, "databricks-cross-account")
    run("bootstrap")
    run("deploy", "--require-approval=never")
    told = _outputs(stage)
    # The secret's two values were read, the queue's URL had been filled in.
    assert (told["JobId"], told["JobUrl"], told["Table"]) == ("2", told["QueueUrl"], "network.flow_logs.test")
    assert told["QueueUrl"].startswith("https://")
    assert _resource(stage)["PhysicalResourceId"] == _PROFILE
    # Asked again until it was done; the wheel was the named one, the SDK the zip's, and others' topics out of reach.
    said = [f"asked Create {done} {_PROFILE} True True False" for done in (False, True)]
    assert _asked(stage) == said

    run("deploy", "--require-approval=never", changes=(_WORKER,))
    said += [line.replace("Create", "Update") for line in said]
    assert _asked(stage) == said
    assert _resource(stage)["PhysicalResourceId"] == _PROFILE

    with pytest.raises(AssertionError, match="takes no paused job: set pause = false, and deploy again"):
        run("deploy", "--require-approval=never", changes=(_PAUSE,))
    assert _outputs(stage) == told

    run("destroy", "--force")
    for name in ("registration", "provider", "provider-check", "waiter"):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            stage.client("iam").get_role(RoleName=f"{_STACK}-{name}")
    assert stage.client("lambda").list_functions()["Functions"] == []
    assert "not-in-any-log" not in stage.log.read_text()
