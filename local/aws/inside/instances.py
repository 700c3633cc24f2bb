"""The credentials of an instance profile's role, as EC2 provides them to an instance."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_region
from ministack.services import iam, sts

from local.aws.inside.errors import RequestRejected
from local.aws.inside.scope import scope


def credentials(profile: str, *, account: str, seconds: int) -> dict[str, Any]:
    """Return temporary credentials of the role in an instance profile (name or ARN).

    Raises:
        RequestRejected: the profile does not exist or has no role, or the role does not trust EC2.
    """
    if profile.startswith("arn:"):
        account = profile.split(":")[4]
    with scope(account=account, region=get_region()):
        record = iam._instance_profiles.get(profile.rsplit("/", 1)[-1])
        if not record or (profile.startswith("arn:") and record["Arn"] != profile):
            raise RequestRejected(f"Instance profile {profile} cannot be found.")
        roles = record["Roles"]
        role = iam._roles.get(roles[0] if isinstance(roles[0], str) else roles[0]["RoleName"]) if roles else None
        if not role:
            raise RequestRejected(f"Instance profile {profile} has no role.")
        if not _trusts_ec2(role, account=account):
            raise RequestRejected(f"Role {role['Arn']} does not trust ec2.amazonaws.com: EC2 cannot assume it.")
        return _session(role, account=account, seconds=seconds)


def _trusts_ec2(role: dict[str, Any], *, account: str) -> bool:
    document = role["AssumeRolePolicyDocument"]
    trust = json.loads(document) if isinstance(document, str) else document
    statements = [trust["Statement"]] if isinstance(trust["Statement"], dict) else trust["Statement"]
    context = EvalContext(
        principal_arn="ec2.amazonaws.com",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role["Arn"],
        region=get_region(),
        service_context={"aws:sourceaccount": account},
    )
    # A trust policy does not name a resource; the role is the resource.
    policy = {"Statement": [{**statement, "Resource": "*"} for statement in statements]}
    return bool(evaluate_resource_policy(policy, context, service="ec2.amazonaws.com").decision == "Allow")


def _session(role: dict[str, Any], *, account: str, seconds: int) -> dict[str, Any]:
    instance = f"i-0{secrets.token_hex(8)}"
    session = {
        "key": iam._gen_session_access_key(),
        "secret": iam._gen_secret(),
        "token": iam._gen_session_token(),
        "expires": int(time.time()) + seconds,
    }
    sts.register_session(
        session["key"],
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{instance}",
            "UserId": f"{role['RoleId']}:{instance}",
            "SecretAccessKey": session["secret"],
            "SessionToken": session["token"],
            "Expiration": float(session["expires"]),
            "AccountId": account,
            "PrincipalType": "AssumedRole",
        },
    )
    return session
