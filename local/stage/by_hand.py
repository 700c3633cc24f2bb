"""Help for trying a running stage by hand: a file to source, and commands to start with."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from infra.environment import names
from infra.environment.schema import Environment
from infra.workspace.job.job_kind import MAINTENANCE
from local.stage.cdk import ROOT
from local.stage.composed import EmbeddedStage
from local.stage.sql import STORAGE

NAME = "stage.env"
"""The file's name."""

# Variables of the user's shell that could direct the AWS SDKs elsewhere.
_UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def write_environment(stage: EmbeddedStage) -> Path:
    """Write the file that a shell sources. Only this user can read it: it holds the secret of the stage's workspace."""
    credentials = stage.workspace.credentials
    variables = {
        **{name: value for name, value in stage.aws.environment().items() if os.environ.get(name) != value},
        "DATABRICKS_HOST": stage.workspace.host,
        "DATABRICKS_CLIENT_ID": credentials.client_id,
        "DATABRICKS_CLIENT_SECRET": credentials.client_secret,
        "DATABRICKS_CONFIG_FILE": os.devnull,
        STORAGE: str(stage.runner.storage.folder),
    }
    programs = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), str(Path(sys.executable).parent)])
    lines = [
        f"unset {' '.join(_UNSET)}",
        *(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())),
        f"export PATH={shlex.quote(programs)}:$PATH",
    ]
    file = stage.folder / NAME
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def commands(stage: EmbeddedStage, *, file: Path) -> list[str]:
    """Return commands to try in another terminal, in the repository's folder; the first sources ``file``."""
    environment = stage.environment
    table, bucket = environment.job.table, environment.log_bucket.name
    objects = f"boto3.client('s3').list_objects_v2(Bucket='{bucket}')['Contents']"
    return [
        f"source {shlex.quote(_near(file))}",
        f'.venv/bin/python -m local.stage.sql "SELECT action, count(*), sum(bytes) FROM {table} GROUP BY action"',
        f"python -c \"import boto3; print(*(o['Key'] for o in {objects}), sep=chr(10))\"",
        'python -c "from databricks.sdk import WorkspaceClient; print(*WorkspaceClient().jobs.list_runs())"',
        *([_run_maintenance(environment)] if environment.maintenance.enabled else []),
        f"cdk diff -c env={shlex.quote(_near(stage.environment_file))}",
        f"cdk deploy -c env={shlex.quote(_near(stage.environment_file))}   # after you change this file",
    ]


def _run_maintenance(environment: Environment) -> str:
    """Return a command that runs the maintenance job immediately."""
    name = f"{names.stack_name(environment)}{MAINTENANCE.suffix}"
    job = f"next(w.jobs.list(name='{name}')).job_id"
    return f'python -c "from databricks.sdk import WorkspaceClient; w = WorkspaceClient(); w.jobs.run_now({job})"'


def _near(path: Path) -> str:
    """Return a path relative to the repository's folder if it is in that folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
