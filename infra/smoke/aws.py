"""Read from AWS with the caller's permissions, or with the lookup role of `cdk bootstrap` if they are not enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore.exceptions import ClientError

from infra.environment import names
from infra.environment.schema import Environment
from infra.iam.ci_policies import QUALIFIER
from infra.workspace.explain import explaining

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}

Clients = Callable[[str], Any]
"""A function that returns the boto3 client of a service."""

_Result = TypeVar("_Result")


def read_aws(action: str, environment: Environment, read: Callable[[Clients], _Result]) -> _Result:
    """Return the result of ``read``.

    Args:
        action: The step, for the error message, such as "Reading the queue".
        environment: The environment with the account and region.
        read: Called with the clients; called again with those of the lookup role if AWS denies access.

    Raises:
        DeploymentError: AWS denies access or rejects the request.
    """
    with explaining(action):
        try:
            return read(_own(environment))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise
        return read(_of_lookup_role(environment))


def _own(environment: Environment) -> Clients:
    client: Clients = boto3.Session(region_name=environment.aws.region).client
    return client


def _of_lookup_role(environment: Environment) -> Clients:
    aws = environment.aws
    arn = names.iam_arn(environment, f"role/cdk-{QUALIFIER}-lookup-role-{aws.account}-{aws.region}")
    credentials = _own(environment)("sts").assume_role(RoleArn=arn, RoleSessionName="smoke")["Credentials"]
    client: Clients = boto3.Session(
        region_name=aws.region,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    ).client
    return client
