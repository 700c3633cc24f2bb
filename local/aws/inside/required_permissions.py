"""The permissions that a call requires, where MiniStack differs from AWS.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html, .../list_amazonsns.html
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

_ACTIONS = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
"""A batch requires the permission for the single call; MiniStack checks actions that AWS does not have."""


def add() -> None:
    """Check the same actions and resources as AWS."""
    action, resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def required_action(*call: Any, **named: Any) -> str | None:
        name: str | None = action(*call, **named)
        return _ACTIONS.get(name, name) if name else name

    def required_resource(service: str, *call: Any) -> str:
        _method, _path, _headers, _body, parameters, *_where = call
        # Calls on a topic's tags have a ResourceArn; MiniStack treats them as calls on all resources.
        if service == "sns" and parameters.get("ResourceArn"):
            return str(parameters["ResourceArn"][0])
        return str(resource(service, *call))

    iam_actions.extract_iam_action = required_action
    iam_actions.extract_resource_arn = required_resource
