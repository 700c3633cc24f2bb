"""An update on the stage: a release is deployed, loads, and is followed by the next one while files go on coming."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.delivery import Delivered
from local.stage import cdk
from local.stage.composed import EmbeddedStage, embedded
from local.stage.sql import Sql
from tests.e2e.test_stage import TABLE, deliver, eventually, loaded, written
from vpc_flow_logs import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NEXT = "99.0.0"
STACK = "vpc-flow-logs-local"
SECONDS = 600


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStage]:
    with embedded(tmp_path_factory.mktemp("upgrade")) as found:
        found.bootstrap()
        found.deploy()
        yield found


@pytest.fixture(scope="module")
def sql(stage: EmbeddedStage) -> Iterator[Sql]:
    with stage.sql() as found:
        yield found


def next_release(folder: Path) -> Path:
    """This repository as it is deployed, with the next version."""
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


def deploy(stage: EmbeddedStage, release: Path) -> None:
    """`make deploy` of another copy of the repository."""
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
    """The version that the stack tells, and the wheel that the job has."""
    (stack,) = stage.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    with stage.workspace.lock:
        (job,) = stage.workspace.state.jobs.values()
        (library,) = job.settings["tasks"][0]["libraries"]
    return outputs["Version"], str(library["whl"])


def test_an_update_keeps_table_and_checkpoint_and_each_file_is_loaded_once(
    stage: EmbeddedStage, sql: Sql, tmp_path: Path
) -> None:
    delivered: list[Delivered] = []
    deliver(stage, delivered, seed=1, meanwhile=lambda: time.sleep(8))
    eventually(lambda: TABLE in {row["tableName"] for row in sql.rows("SHOW TABLES")}, True)
    eventually(lambda: loaded(sql), written(delivered))
    version, wheel = released(stage)
    assert version == __version__
    assert f"-{__version__}-" in wheel
    (history,) = sql.rows(f"SELECT count(*) AS files FROM (SELECT DISTINCT source_file FROM {TABLE})")

    def update() -> None:
        deploy(stage, next_release(tmp_path / "next"))
        time.sleep(8)

    deliver(stage, delivered, seed=2, meanwhile=update)

    version, newer = released(stage)
    assert version == NEXT
    assert f"-{NEXT}-" in newer
    assert newer != wheel
    # All of both, each file once: table and checkpoint are those of before.
    eventually(lambda: loaded(sql), written(delivered))
    assert len(delivered) > history["files"]
    assert sql.rows(f"SELECT count(*) AS entries FROM {TABLE}_quarantine") == [{"entries": 0}]
