"""The storage of the local workspace: the folder on this machine for each path of a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.runs.driver import checkpoint_of
from local.runs.storage import Storage

STORAGE = Storage(Path("/stage"))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/FlowLogs/checkpoint", "/stage/dbfs/FlowLogs/checkpoint"),
        ("dbfs:/FlowLogs/checkpoint", "/stage/dbfs/FlowLogs/checkpoint"),
        ("dbfs:///FlowLogs//checkpoint/", "/stage/dbfs/FlowLogs/checkpoint"),
        ("/Volumes/network/flow_logs/state/checkpoint", "/stage/volumes/network/flow_logs/state/checkpoint"),
        ("dbfs:/Volumes/a/b/c", "/stage/volumes/a/b/c"),
        ("/VolumesOfOthers/a", "/stage/dbfs/VolumesOfOthers/a"),
        ("file:/elsewhere/x", "/elsewhere/x"),
    ],
)
def test_a_workspace_path_maps_to_a_folder_of_the_stage(path: str, place: str) -> None:
    assert STORAGE.local(path) == Path(place)


def test_a_path_in_a_bucket_has_no_local_folder() -> None:
    assert STORAGE.local("s3://bucket/checkpoint") is None


def test_stream_state_is_in_the_checkpoint_or_for_a_bucket_in_its_own_stable_folder() -> None:
    assert STORAGE.state_of("/a/checkpoint") == Path("/stage/dbfs/a/checkpoint/cloud_files")
    first, second = (STORAGE.state_of(f"s3://bucket/{name}") for name in ("one", "other"))
    assert first == STORAGE.state_of("s3://bucket/one") != second
    assert first.is_relative_to("/stage")


def test_spark_settings_map_the_folders() -> None:
    settings = STORAGE.settings()
    assert settings["spark.hadoop.fs.defaultFS"] == "dbfs:///"
    assert settings["spark.hadoop.fs.viewfs.mounttable.default.linkFallback"] == "file:///stage/dbfs"
    assert settings["spark.hadoop.fs.viewfs.mounttable.default.link./Volumes"] == "file:///stage/volumes"


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["--headers=a", "--checkpoint-path=/c"], "/c"),
        (["--checkpoint-path", "/c", "--headers", "a"], "/c"),
        (["--headers=a"], None),
    ],
)
def test_the_checkpoint_parameter_is_read_as_one_argument_or_two(arguments: list[str], path: str | None) -> None:
    assert checkpoint_of(arguments) == path
