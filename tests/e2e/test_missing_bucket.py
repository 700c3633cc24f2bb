"""A job with a missing bucket fails on the cluster before it creates anything, even without a verify run."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.assets.wheel import build_wheel
from infra.workspace.wheel.wheel_file import read_wheel
from tests.support.buckets import BUCKET
from tests.support.prepared_clouds import prepared_clouds
from tests.support.workspaces import until

pytestmark = pytest.mark.slow

SECONDS = 240


def test_a_missing_bucket_is_reported_before_table_and_checkpoint_are_created(tmp_path: Path) -> None:
    with prepared_clouds(tmp_path) as environment:
        environment.aws.client("s3").delete_bucket(Bucket=BUCKET)
        environment.deploy(read_wheel(build_wheel(tmp_path / "wheel")))
        until(lambda: "The run failed" in environment.output("ingest"), seconds=SECONDS)
        output = environment.output("ingest")
        created = [path for name in ("_delta_log", "offsets") for path in environment.folder.rglob(name)]

    assert f"the bucket of VPC Logs Path 's3://{BUCKET}/" in output
    assert "does not exist.\nNothing was created." in output
    assert created == []
