"""Handle the events of the custom resource: deploy or remove the workspace half of an environment.

`aws_cdk.custom_resources.Provider` calls ``on_event`` once and ``is_complete`` until it reports completion. All
work happens in ``is_complete``: every step reads the current state first, so each call resumes where the last one
stopped, and no state passes between calls. The physical ID is known before the work begins, so CloudFormation deletes
a failed create.
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
from infra.workspace.aws.arn import Arn
from infra.workspace.aws.tear_down import Aws
from infra.workspace.client import REQUEST_SECONDS, RETRY_SECONDS, connect, secret_of
from infra.workspace.dashboard.template import NAME as TEMPLATE
from infra.workspace.errors import DeploymentError, NotYet, composed, sentence
from infra.workspace.explain import explaining
from infra.workspace.pace import Pace
from infra.workspace.spec import Logs, WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.wheel.wheel_file import wheel_in

_MARGIN_SECONDS = PATIENCE + RETRY_SECONDS + REQUEST_SECONDS + 20
"""Maximum duration of a step in seconds: a step begins only if the call has this much time left.

The longest step registers a profile that IAM does not show yet, and includes the retries of its last request.
"""

_GONE = (
    "If the workspace no longer exists, delete the stack again and retain this resource (aws cloudformation "
    "delete-stack --retain-resources)"
)


class Failed(Exception):
    """A failed event; CloudFormation shows the text, a single line without secrets."""


def on_event(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the physical ID of an event's resource: the instance profile's ARN, so a new profile is a replacement.

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
    """Do as much of an event's remaining work as one call allows; return whether all of it is done.

    Raises:
        Failed: the deployment cannot continue; the text includes advice.
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
    except Exception as error:  # noqa: BLE001 - CloudFormation must get a response
        print(
            "\n".join(sentence(line, secrets=secrets) for line in traceback.format_exc().splitlines()), file=sys.stderr
        )
        what = f"Internal error of the deployment: {type(error).__name__}:"
        text = composed(what, detail=str(error), advice="See the traceback in the function's log", secrets=secrets)
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
        previous_streams=_previous_streams(event),
        template=_template(spec),
    )
    data = {"JobId": str(done.job_id), "JobUrl": done.job_url, "Table": done.table}
    if done.maintenance_url is not None:
        data |= {"MaintenanceJobId": str(done.maintenance_id), "MaintenanceJobUrl": done.maintenance_url}
    if done.dashboard_url is not None:
        data |= {"DashboardId": str(done.dashboard_id), "DashboardUrl": done.dashboard_url}
    return data


def _delete(event: Mapping[str, Any], context: Any, secrets: list[str]) -> dict[str, str]:
    spec = _spec(event["ResourceProperties"])
    # Use the physical ID: CloudFormation deletes a replaced profile after its replacement is complete.
    spec = replace(spec, profile=replace(spec.profile, arn=event["PhysicalResourceId"]))
    pace = _pace(context)
    deployment.destroy(_client(event, spec, secrets, pace), spec, aws=_aws(spec), pace=pace, whole=False)
    return {}


def _spec(properties: Mapping[str, Any]) -> WorkspaceSpec:
    return WorkspaceSpec.from_json(properties["Spec"])


def _template(spec: WorkspaceSpec) -> str:
    if spec.warehouse_id is None:
        return ""
    return (Path(os.environ["LAMBDA_TASK_ROOT"]) / "dashboard" / TEMPLATE).read_text(encoding="utf-8")


def _previous_streams(event: Mapping[str, Any]) -> list[Logs]:
    """Return the stream of the settings before this update, if Auto Loader created resources for it."""
    with suppress(KeyError, DeploymentError):  # written by another version; rely on the memory alone
        old = _spec(event["OldResourceProperties"])
        return [old.logs] if old.auto_loader else []
    return []


def _client(event: Mapping[str, Any], spec: WorkspaceSpec, secrets: list[str], pace: Pace) -> Any:
    pace.check()  # signing in can take a minute
    arn = event["ResourceProperties"]["SecretArn"]
    with explaining(f"Reading the secret {arn}"):
        manager = boto3.client("secretsmanager", region_name=Arn.parse(arn).region)
        secret = secret_of(manager.get_secret_value(SecretId=arn)["SecretString"])
    secrets += [value for name, value in secret.items() if name != "client_id"]
    return connect(spec.host, secret=secret, report=lambda progress: print(sentence(progress, secrets=secrets)))


def _aws(spec: WorkspaceSpec) -> Aws:
    return Aws(**{name: boto3.client(name, region_name=spec.region) for name in ("s3", "sns", "sqs")})


def _pace(context: Any) -> Pace:
    """Return a pace that never waits, and begins a step only if the call has enough time left for it."""

    def check() -> None:
        if context.get_remaining_time_in_millis() < _MARGIN_SECONDS * 1000:
            raise NotYet("this call has no time left for another step")

    return Pace(later=_come_back, report=_report, check=check)


def _come_back(what: str) -> None:
    raise NotYet(what)


def _report(step: Step) -> None:
    if step.outcome != "unchanged":
        print(sentence(f"{step.name}: {step.outcome} {step.detail}"))
