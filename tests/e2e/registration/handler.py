"""A handler that registers nothing: it tells what a handler finds in Lambda, and what it may do there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import databricks.sdk
from botocore.exceptions import ClientError

from infra.workspace.spec import WorkspaceSpec
from infra.workspace.wheel_file import wheel_in

_TASK = Path(__file__).resolve().parents[2]
_asked: set[str] = set()


def on_event(event: dict[str, Any], context: object) -> dict[str, Any]:
    properties = event["ResourceProperties"]
    spec = WorkspaceSpec.from_json(properties["Spec"])
    if spec.job.pause:
        raise RuntimeError("The workspace takes no paused job: set pause = false, and deploy again")
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=properties["SecretArn"])["SecretString"]
    return {
        "PhysicalResourceId": spec.profile.arn,
        "Found": {
            "JobId": str(len(json.loads(secret))),
            "JobUrl": spec.job.parameters["queue-url"],
            "Table": spec.table,
            "Wheel": properties["Wheel"] == wheel_in(_TASK / "wheel").label,
            "Sdk": Path(databricks.sdk.__file__).is_relative_to(_TASK),
        },
    }


def is_complete(event: dict[str, Any], context: object) -> dict[str, Any]:
    # Not at the first time; Lambda keeps the module between two calls.
    done = event["RequestId"] in _asked
    _asked.add(event["RequestId"])
    found = event["Found"]
    print("asked", event["RequestType"], done, event["PhysicalResourceId"], found["Wheel"], found["Sdk"], _may_list())
    if not done:
        return {"IsComplete": False}
    data = {name: found[name] for name in ("JobId", "JobUrl", "Table")}
    return {"IsComplete": True} if event["RequestType"] == "Delete" else {"IsComplete": True, "Data": data}


def _may_list() -> bool:
    try:
        boto3.client("sns").list_topics()
    except ClientError:
        return False
    return True
