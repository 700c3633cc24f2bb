"""Check ``iam:PassRole`` for EC2, which MiniStack does not do when it starts an instance."""

from __future__ import annotations

from ministack.core import iam_evaluator
from ministack.core.responses import get_region


def allowed(role: str, *, launcher: str) -> bool:
    """Return whether the policies of the role ``launcher`` allow it to pass ``role`` to EC2; both are ARNs."""
    account, name = launcher.split(":")[4], launcher.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(
        principal_arn=launcher,
        principal_type="AssumedRole",
        principal_account=account,
        action="iam:PassRole",
        resource_arn=role,
        region=get_region(),
        service_context={"iam:passedtoservice": "ec2.amazonaws.com"},
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")
