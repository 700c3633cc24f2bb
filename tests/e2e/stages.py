"""What the tests of the stage share: the CDK command line on it, and an account that a deploy can go to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from local.aws import Stage

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240
"""How long a command may take before a test gives up: the machine may be busy."""


def cdk(stage: Stage, *arguments: str, folder: Path) -> str:
    """Run the real CDK command line from this repository; what it said, and a failed test if it failed."""
    environment = stage.environment()
    environment["PATH"] = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), environment["PATH"]])
    done = subprocess.run(
        ["cdk", *arguments, "--no-notices", "--output", str(folder / "cdk.out")],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def make_cross_account_role(stage: Stage, name: str) -> None:
    """The role that Databricks launches clusters with, which is there before any deploy."""
    databricks = "arn:aws:iam::414351767826:root"
    statement = {"Effect": "Allow", "Principal": {"AWS": databricks}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
