"""The AWS emulator for tests of policies: its account, and roles with the policies under test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import aws
from local.aws import Credentials, Emulator

ACCOUNT = "111122223333"
REGION = "us-east-1"
ROOT = Credentials(key=ACCOUNT)

__all__ = ["ACCOUNT", "REGION", "ROOT", "Credentials", "Emulator", "role", "running"]


@contextmanager
def running(folder: Path, *, tls: bool) -> Iterator[Emulator]:
    """Run an emulator of the test account for the duration of the context."""
    with aws.running(folder, account=ACCOUNT, region=REGION, tls=tls) as stage:
        yield stage


def role(stage: Emulator, name: str, policies: dict[str, str]) -> Credentials:
    """Create a role with exactly these inline policies, assume it, and return its credentials."""
    iam = stage.client("iam")
    # The reader role trusts EC2. In tests, the root user assumes it.
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{stage.account}:root"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    for policy, document in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
    response = stage.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{stage.account}:role/{name}", RoleSessionName="test"
    )
    session = response["Credentials"]
    return Credentials(key=session["AccessKeyId"], secret=session["SecretAccessKey"], token=session["SessionToken"])
