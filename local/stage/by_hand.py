"""What a person needs to try everything of a running stage: a file to source, and commands to begin with."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from local.stage.cdk import ROOT
from local.stage.composed import EmbeddedStage
from local.stage.sql import STORAGE

NAME = "stage.env"
"""The file's name."""

# What could lead the AWS SDKs elsewhere, set in somebody's shell.
_UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def write_environment(stage: EmbeddedStage) -> Path:
    """Write the file that a shell sources, for this user alone; it holds the secret of the stage's workspace."""
    who = stage.workspace.credentials
    variables = {
        **{name: value for name, value in stage.aws.environment().items() if os.environ.get(name) != value},
        "DATABRICKS_HOST": stage.workspace.host,
        "DATABRICKS_CLIENT_ID": who.client_id,
        "DATABRICKS_CLIENT_SECRET": who.client_secret,
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
    """Commands to try in another terminal, in the repository's folder; the first finds the stage."""
    environment = stage.environment
    table, bucket = environment.job.table, environment.log_bucket.name
    objects = f"boto3.client('s3').list_objects_v2(Bucket='{bucket}')['Contents']"
    return [
        f"source {shlex.quote(_near(file))}",
        f'.venv/bin/python -m local.stage.sql "SELECT action, count(*), sum(bytes) FROM {table} GROUP BY action"',
        f"python -c \"import boto3; print(*(o['Key'] for o in {objects}), sep=chr(10))\"",
        'python -c "from databricks.sdk import WorkspaceClient; print(*WorkspaceClient().jobs.list_runs())"',
        f"cdk diff -c env={shlex.quote(_near(stage.environment_file))}",
        f"cdk deploy -c env={shlex.quote(_near(stage.environment_file))}   # after a change of that file",
    ]


def _near(path: Path) -> str:
    """A path as it is shorter to type, from the repository's folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
