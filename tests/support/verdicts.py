"""Decisions of MiniStack's IAM evaluator, an implementation of the IAM rules that is independent of this project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow-log-reader"

SERVICE = f"arn:aws:iam::{ACCOUNT}:role/aws-service"


@dataclass(frozen=True)
class Request:
    """A request to AWS.

    Attributes:
        action: The IAM action.
        resource: The ARN of the resource.
        service: The service principal that sends the request; without it, ``role`` sends the request.
        role: The ARN of the role that sends the request.
        context: The condition keys and their values.
    """

    action: str
    resource: str
    service: str | None = None
    role: str = ROLE
    context: Mapping[str, str] = field(default_factory=dict)


def read(text: str) -> dict[tuple[str, str], list[tuple[bool, Request]]]:
    """Return the requests of a table, by variant and file.

    A request is a line with ``+`` (allowed) or ``-`` (denied), the action, the resource, and ``key=value`` pairs.
    The heading above the requests holds the variant and the file.
    """
    table: dict[tuple[str, str], list[tuple[bool, Request]]] = {}
    heading = ("", "")
    for line in text.splitlines():
        if line.startswith(("+ ", "- ")):
            sign, action, resource, *pairs = line.split()
            values = dict(pair.split("=", 1) for pair in pairs)
            caller = {key: values.pop(key) for key in ("service", "role") if key in values}
            table[heading].append((sign == "+", Request(action=action, resource=resource, context=values, **caller)))
        elif line and not line.startswith("#"):
            variant, file = line.split()
            heading = (variant, file)
            table[heading] = []
    return table


def is_allowed(document: Mapping[str, Any], request: Request) -> bool:
    """Return whether a document alone allows a request."""
    secure = request.context.get("aws:SecureTransport", "true") == "true"
    context = EvalContext(
        # A service does not have the permissions of the role.
        principal_arn=SERVICE if request.service else request.role,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=request.action,
        resource_arn=request.resource,
        region="us-east-1",
        secure_transport=secure,
        service_context={key.lower(): value for key, value in request.context.items()},
    )
    statements = [{"Resource": "*", **statement} for statement in document["Statement"]]
    if any("Principal" in statement for statement in statements):
        # A statement for a service principal applies only to requests from that service.
        result = evaluate_resource_policy({"Statement": statements}, context, service=request.service)
    else:
        result = evaluate(context, [parse_policy_document({"Statement": statements})])
    return bool(result.decision == "Allow")
