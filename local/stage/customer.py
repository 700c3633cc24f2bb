"""What a customer has before the first deploy: the cross-account role, the secret, and people in the workspace."""

from __future__ import annotations

import json
import re
from pathlib import Path

from infra.environment.schema import Environment
from local.aws import Emulator
from local.workspace import WorkspaceServer, add_group, add_service_principal, add_user

# Databricks' own account, which assumes the role; a role of a stage that nobody calls in its name.
_DATABRICKS = "arn:aws:iam::414351767826:root"


def prepare(environment: Environment, *, aws: Emulator, workspace: WorkspaceServer) -> str:
    """Make what the environment file names and a deploy does not make; return the secret's ARN."""
    _cross_account_role(aws, environment.reader.databricks_role_arn)
    _people(environment, workspace)
    return _secret(environment, aws=aws, workspace=workspace)


def fitted(text: str, *, host: str, secret_arn: str) -> str:
    """Return the text of an environment file with the stage's own workspace and secret in it."""
    for key, value in {"host": host, "secret_arn": secret_arn}.items():
        text, found = re.subn(rf'(?m)^{key}\s*=\s*"[^"]*"', f'{key} = "{value}"', text)
        if found != 1:
            raise ValueError(f"the environment file has {found} lines that set {key}; the stage needs just one")
    return text


def write(file: Path, text: str) -> Path:
    """Write the environment file of the stage, whole or not at all."""
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
    """The credentials of the service principal that administers the workspace, by the name in the file."""
    assert environment.workspace is not None
    name = environment.workspace.secret_arn.split(":", 6)[6]
    who = workspace.credentials
    made = aws.client("secretsmanager").create_secret(
        # Six characters at the end are Secrets Manager's own.
        Name=re.sub(r"-[A-Za-z0-9]{6}$", "", name),
        SecretString=json.dumps({"client_id": who.client_id, "client_secret": who.client_secret}),
    )
    return str(made["ARN"])


def _people(environment: Environment, workspace: WorkspaceServer) -> None:
    assert environment.workspace is not None
    wanted, job = environment.workspace, environment.job
    with workspace.lock:
        for group in dict.fromkeys((*wanted.groups, *job.can_view, *job.can_manage)):
            if group not in ("admins", "users"):
                add_group(workspace.state, group)
        for user in wanted.users:
            add_user(workspace.state, user)
        for application_id in wanted.service_principals:
            made = add_service_principal(workspace.state, application_id)
            workspace.state.principal(made.client_id).name = application_id
