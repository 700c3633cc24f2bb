"""The stage for tests of policies: its account, and roles with policies to try."""

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
    """A stage of the tests' account."""
    with aws.running(folder, account=ACCOUNT, region=REGION, tls=tls) as stage:
        yield stage


def role(stage: Emulator, name: str, policies: dict[str, str]) -> Credentials:
    """Make a role with just these inline policies, and take it on."""
    iam = stage.client("iam")
    # The reader's own trust names EC2; here it is root who takes the role on.
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{stage.account}:root"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    for policy, document in policies.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
    answer = stage.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{stage.account}:role/{name}", RoleSessionName="test"
    )
    found = answer["Credentials"]
    return Credentials(key=found["AccessKeyId"], secret=found["SecretAccessKey"], token=found["SessionToken"])
