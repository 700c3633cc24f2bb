"""``AWS::EC2::FlowLog`` for MiniStack's CloudFormation."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners

from local.aws import flow_log_properties as rules
from local.aws.inside import flow_logs
from local.aws.inside.errors import RequestRejected

NAME = "AWS::EC2::FlowLog"


def add() -> None:
    """Register the resource type: its handlers, the properties that replace it, and the property for stack tags."""
    provisioners._RESOURCE_HANDLERS[NAME] = {"create": _create, "update": _update, "delete": _delete}
    provisioners._REPLACING_PROPERTIES[NAME] = rules.CREATE_ONLY
    provisioners._STACK_TAG_PROPERTY[NAME] = ("Tags", "list")


def _create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    given = _checked(logical_id, properties)
    try:
        flow_log = flow_logs.create(given)
    except RequestRejected as error:
        text = f'Resource handler returned message: "{error} (Service: Ec2, Status Code: 400)"'
        raise ValueError(f"{text} (HandlerErrorCode: InvalidRequest)") from None
    return flow_log, {"Id": flow_log}


def _update(flow_log: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    # Only tags: any other change replaces the flow log before this call.
    flow_logs.set_tags(flow_log, _checked(flow_log, new).get("Tags", []))
    return flow_log, {"Id": flow_log}


def _delete(flow_log: str, properties: dict[str, Any]) -> None:
    flow_logs.delete(flow_log)


def _checked(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    given = rules.typed(properties)
    problems = rules.schema_problems(given)
    if problems:
        listed = "\n".join(problems)
        raise ValueError(f"Properties validation failed for resource {name} with message:\n[{listed}]")
    return given
