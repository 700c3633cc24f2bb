"""Prerequisites of a first deploy: the cross-account role, the secret, and the principals of the workspace."""

from __future__ import annotations

import json
import re
from pathlib import Path

from infra.environment.schema import Environment
from local.aws import Emulator
from local.workspace import WorkspaceServer, add_group, add_service_principal, add_user

# The account of Databricks, which assumes the role. On the stage, no caller uses this account.
_DATABRICKS = "arn:aws:iam::414351767826:root"


def prepare(environment: Environment, *, aws: Emulator, workspace: WorkspaceServer) -> str:
    """Create the prerequisites named in the environment file; return the secret's ARN."""
    _cross_account_role(aws, environment.reader.databricks_role_arn)
    _principals(environment, workspace)
    return _secret(environment, aws=aws, workspace=workspace)


def fitted(text: str, *, host: str, secret_arn: str) -> str:
    """Return the text of an environment file with its workspace and secret replaced by the stage's."""
    for key, value in {"host": host, "secret_arn": secret_arn}.items():
        text, count = re.subn(rf'(?m)^{key}\s*=\s*"[^"]*"', f'{key} = "{value}"', text)
        if count != 1:
            raise ValueError(f"the environment file has {count} lines that set {key}; the stage needs exactly one")
    return text


def write(file: Path, text: str) -> Path:
    """Write the environment file of the stage atomically."""
    half = file.with_suffix(".half")
    half.write_text(text, encoding="utf-8")
    return half.replace(file)


def _cross_account_role(aws: Emulator, arn: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": _DATABRICKS}, "Action": "sts:AssumeRole"}
    aws.client("iam").create_role(
        RoleName=arn.rsplit("/", 1)[-1],
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def _secret(environment: Environment, *, aws: Emulator, workspace: WorkspaceServer) -> str:
    """Create the secret named in the file, with the credentials of the workspace's admin service principal."""
    assert environment.workspace is not None
    name = environment.workspace.secret_arn.split(":", 6)[6]
    credentials = workspace.credentials
    secret = aws.client("secretsmanager").create_secret(
        # Secrets Manager adds the last six characters of the ARN.
        Name=re.sub(r"-[A-Za-z0-9]{6}$", "", name),
        SecretString=json.dumps({"client_id": credentials.client_id, "client_secret": credentials.client_secret}),
    )
    return str(secret["ARN"])


def _principals(environment: Environment, workspace: WorkspaceServer) -> None:
    assert environment.workspace is not None
    access, job = environment.workspace, environment.job
    with workspace.lock:
        for group in dict.fromkeys((*access.groups, *job.can_view, *job.can_manage)):
            if group not in ("admins", "users"):
                add_group(workspace.state, group)
        for user in access.users:
            add_user(workspace.state, user)
        for application_id in access.service_principals:
            credentials = add_service_principal(workspace.state, application_id)
            workspace.state.principal(credentials.client_id).name = application_id
