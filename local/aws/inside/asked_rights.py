"""The rights that a call needs, where MiniStack asks for others than AWS does.

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
"""A batch needs the right to each single call; MiniStack asks for actions that AWS does not have."""


def add() -> None:
    """Ask as AWS asks."""
    action, resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def asked_action(*call: Any, **named: Any) -> str | None:
        found: str | None = action(*call, **named)
        return _ACTIONS.get(found, found) if found else found

    def asked_resource(service: str, *call: Any) -> str:
        _method, _path, _headers, _body, parameters, *_where = call
        # A topic's tags are asked for by ResourceArn, which MiniStack takes for a call on everything.
        if service == "sns" and parameters.get("ResourceArn"):
            return str(parameters["ResourceArn"][0])
        return str(resource(service, *call))

    iam_actions.extract_iam_action = asked_action
    iam_actions.extract_resource_arn = asked_resource
