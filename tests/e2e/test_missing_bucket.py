"""A job whose bucket does not exist makes nothing before it says so, also on a cluster and without a verify run."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.assets.wheel import build_wheel
from infra.workspace.wheel.wheel_file import read_wheel
from tests.support.buckets import BUCKET
from tests.support.clouds import clouds
from tests.support.workspaces import until

pytestmark = pytest.mark.slow

SECONDS = 240


def test_a_bucket_that_does_not_exist_is_named_before_table_and_checkpoint_are_made(tmp_path: Path) -> None:
    with clouds(tmp_path) as here:
        here.aws.client("s3").delete_bucket(Bucket=BUCKET)
        here.deploy(read_wheel(build_wheel(tmp_path / "wheel")))
        until(lambda: "The run failed" in here.output("ingest"), seconds=SECONDS)
        said = here.output("ingest")
        made = [path for name in ("_delta_log", "offsets") for path in here.folder.rglob(name)]

    assert f"the bucket of VPC Logs Path 's3://{BUCKET}/" in said
    assert "does not exist.\nNothing was created." in said
    assert made == []
