"""Handle the events of the custom resource: deploy or remove the workspace half of an environment.

`aws_cdk.custom_resources.Provider` calls ``on_event`` once and ``is_complete`` until that reports the end. All work
is done in ``is_complete``: every step looks first, so each call resumes where the last one stopped, and nothing has to
be carried from one to the next. A create that fails has its physical ID by then: CloudFormation deletes what is there.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3

from infra.workspace import deployment
from infra.workspace.access.instance_profile import PATIENCE
from infra.workspace.aws.tear_down import Aws
from infra.workspace.client import REQUEST_SECONDS, RETRY_SECONDS, connect, secret_of
from infra.workspace.errors import DeploymentError, NotYet, composed, sentence
from infra.workspace.explain import saying
from infra.workspace.pace import Pace
from infra.workspace.spec import Logs, WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.wheel.wheel_file import wheel_in

_MARGIN_SECONDS = PATIENCE + RETRY_SECONDS + REQUEST_SECONDS + 20
"""Longest time that a step may take, in seconds: one begins only if the call has as much left.

The longest step is the registration of a profile that IAM does not show yet, with a last request that is tried again.
"""

_GONE = (
    "If the workspace is gone for good, delete the stack again and let it keep this resource (aws cloudformation "
    "delete-stack --retain-resources)"
)


class Failed(Exception):
    """What CloudFormation shows for an event that failed; one sentence, without any secret."""


def on_event(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the resource of an event: its ID is the instance profile's ARN, so another profile replaces it.

    Raises:
        Failed: the settings cannot be read; nothing was created.
    """
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    try:
        return {"PhysicalResourceId": _spec(event["ResourceProperties"]).profile.arn}
    except DeploymentError as error:
        raise Failed(str(error)) from None


def is_complete(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Do what is left to do for an event, as far as it goes in one call; return whether all is done.

    Raises:
        Failed: it cannot continue; the text has the advice.
    """
    secrets: list[str] = []
    deleting = event["RequestType"] == "Delete"
    try:
        data = _delete(event, context, secrets) if deleting else _deploy(event, context, secrets)
    except NotYet as waiting:
        print(sentence(f"not yet: {waiting}", secrets=secrets))
        return {"IsComplete": False}
    except DeploymentError as error:
        raise Failed(error.message(more=_GONE if deleting else "", secrets=secrets)) from None
    except Exception as error:  # noqa: BLE001 - CloudFormation has to get an answer
        print(
            "\n".join(sentence(line, secrets=secrets) for line in traceback.format_exc().splitlines()), file=sys.stderr
        )
        what = f"An error in the deployment itself: {type(error).__name__}:"
        text = composed(what, words=str(error), advice="See the traceback in the function's log", secrets=secrets)
        raise Failed(text) from None
    return {"IsComplete": True, "Data": data}


def _deploy(event: Mapping[str, Any], context: Any, secrets: list[str]) -> dict[str, str]:
    spec = _spec(event["ResourceProperties"])
    pace = _pace(context)
    done = deployment.deploy(
        _client(event, spec, secrets, pace),
        spec,
        wheel_file=wheel_in(Path(os.environ["LAMBDA_TASK_ROOT"]) / "wheel"),
        aws=_aws(spec),
        pace=pace,
        left=_left(event),
    )
    return {"JobId": str(done.job_id), "JobUrl": done.job_url, "Table": done.table}


def _delete(event: Mapping[str, Any], context: Any, secrets: list[str]) -> dict[str, str]:
    spec = _spec(event["ResourceProperties"])
    # The id decides: a profile that was replaced is deleted after the one that took its place was made.
    spec = replace(spec, profile=replace(spec.profile, arn=event["PhysicalResourceId"]))
    pace = _pace(context)
    deployment.destroy(_client(event, spec, secrets, pace), spec, aws=_aws(spec), pace=pace, whole=False)
    return {}


def _spec(properties: Mapping[str, Any]) -> WorkspaceSpec:
    return WorkspaceSpec.from_json(properties["Spec"])


def _left(event: Mapping[str, Any]) -> list[Logs]:
    """Return the stream of the settings before this update, if Auto Loader read it."""
    with suppress(KeyError, DeploymentError):  # written by another version: the memory has to suffice
        old = _spec(event["OldResourceProperties"])
        return [old.logs] if old.auto_loader else []
    return []


def _client(event: Mapping[str, Any], spec: WorkspaceSpec, secrets: list[str], pace: Pace) -> Any:
    pace.check()  # signing in may take a minute
    arn = event["ResourceProperties"]["SecretArn"]
    with saying(f"Reading the secret {arn}"):
        manager = boto3.client("secretsmanager", region_name=arn.split(":")[3])
        secret = secret_of(manager.get_secret_value(SecretId=arn)["SecretString"])
    secrets += [value for name, value in secret.items() if name != "client_id"]
    return connect(spec.host, secret=secret, report=lambda progress: print(sentence(progress, secrets=secrets)))


def _aws(spec: WorkspaceSpec) -> Aws:
    return Aws(**{name: boto3.client(name, region_name=spec.region) for name in ("s3", "sns", "sqs")})


def _pace(context: Any) -> Pace:
    """Return a pace that waits for nothing that outlasts the call, and begins nothing that may."""

    def check() -> None:
        if context.get_remaining_time_in_millis() < _MARGIN_SECONDS * 1000:
            raise NotYet("this call has no time left for another step")

    return Pace(later=_come_back, report=_report, check=check)


def _come_back(what: str) -> None:
    raise NotYet(what)


def _report(step: Step) -> None:
    if step.outcome != "unchanged":
        print(sentence(f"{step.name}: {step.outcome} {step.detail}"))
