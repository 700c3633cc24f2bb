"""Whether IAM would allow a request, by a second implementation of its rules (MiniStack's), not by ours."""

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
    """A call: the action, the ARN it is for, who calls (``service`` or the ARN of a role), and condition keys."""

    action: str
    resource: str
    service: str | None = None
    role: str = ROLE
    context: Mapping[str, str] = field(default_factory=dict)


def read(text: str) -> dict[tuple[str, str], list[tuple[bool, Request]]]:
    """The requests of a table, by variant and file: lines of ``+`` or ``-``, action, resource, and key=value."""
    table: dict[tuple[str, str], list[tuple[bool, Request]]] = {}
    heading = ("", "")
    for line in text.splitlines():
        if line.startswith(("+ ", "- ")):
            sign, action, resource, *pairs = line.split()
            values = dict(pair.split("=", 1) for pair in pairs)
            who = {key: values.pop(key) for key in ("service", "role") if key in values}
            table[heading].append((sign == "+", Request(action=action, resource=resource, context=values, **who)))
        elif line and not line.startswith("#"):
            variant, file = line.split()
            heading = (variant, file)
            table[heading] = []
    return table


def is_allowed(document: Mapping[str, Any], request: Request) -> bool:
    """Whether a document by itself allows a request."""
    secure = request.context.get("aws:SecureTransport", "true") == "true"
    context = EvalContext(
        # A service has no rights of a role.
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
        # Service principals count only for calls of that service.
        result = evaluate_resource_policy({"Statement": statements}, context, service=request.service)
    else:
        result = evaluate(context, [parse_policy_document({"Statement": statements})])
    return bool(result.decision == "Allow")
