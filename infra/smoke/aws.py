"""Look at AWS with the caller's rights or, where they do not reach, with the role that `cdk bootstrap` made for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore.exceptions import ClientError

from infra.environment import names
from infra.environment.schema import Environment
from infra.iam.ci_policies import QUALIFIER
from infra.workspace.explain import saying

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}

Clients = Callable[[str], Any]
"""Return the boto3 client of a service."""

_Seen = TypeVar("_Seen")


def looking(what: str, environment: Environment, look: Callable[[Clients], _Seen]) -> _Seen:
    """Return what ``look`` sees.

    Args:
        what: what is being done, for the message.
        environment: names account and region.
        look: gets the clients; called a second time if the caller's own rights are not enough.

    Raises:
        DeploymentError: AWS refuses it.
    """
    with saying(what):
        try:
            return look(_own(environment))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise
        return look(_for_looking(environment))


def _own(environment: Environment) -> Clients:
    client: Clients = boto3.Session(region_name=environment.aws.region).client
    return client


def _for_looking(environment: Environment) -> Clients:
    aws = environment.aws
    role = f"cdk-{QUALIFIER}-lookup-role-{aws.account}-{aws.region}"
    arn = f"arn:{names.partition(aws.region)}:iam::{aws.account}:role/{role}"
    given = _own(environment)("sts").assume_role(RoleArn=arn, RoleSessionName="smoke")["Credentials"]
    client: Clients = boto3.Session(
        region_name=aws.region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    ).client
    return client
