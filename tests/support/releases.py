"""Successive releases of this repository, for tests that upgrade a deployment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.stage import cdk
from local.stage.composed import EmbeddedStage
from vpc_flow_logs import __version__

ROOT = Path(__file__).resolve().parents[2]
NEXT = "99.0.0"
STACK = "vpc-flow-logs-local"
SECONDS = 600


def next_release(folder: Path) -> Path:
    """Copy the deployable files of this repository to a folder, with the next version; return the folder."""
    for name in ("infra", "job", "environments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    version = folder / "job" / "vpc_flow_logs" / "__init__.py"
    text = version.read_text()
    assert text.count(f'"{__version__}"') == 1
    version.write_text(text.replace(__version__, NEXT))
    return folder


def deploy_release(stage: EmbeddedStage, release: Path) -> None:
    """Deploy another copy of the repository, as `make deploy` does."""
    environment = cdk.environment(stage.aws.environment(), folder=stage.folder / "next")
    done = subprocess.run(
        [
            *("cdk", "deploy", "--all", "--require-approval=never", "--no-notices", "--no-color"),
            *("--app", f"{sys.executable} app.py", "-c", f"env={stage.environment_file}"),
            *("--output", str(stage.folder / "next" / "cdk.out")),
        ],
        cwd=release,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(release / "job"), str(release)])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def released(stage: EmbeddedStage) -> tuple[str, str]:
    """Return the version of the stack and the path of the wheel of both jobs."""
    (stack,) = stage.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    with stage.workspace.lock:
        (job,) = (job for job in stage.workspace.state.jobs.values() if job.settings["name"] == STACK)
        (library,) = job.settings["tasks"][0]["libraries"]
    return outputs["Version"], str(library["whl"])
