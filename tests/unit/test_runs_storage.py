"""Where the workspace's storage lies: which folder of this machine a path of a job means."""

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
def test_a_path_means_a_folder_of_the_stage(path: str, place: str) -> None:
    assert STORAGE.local(path) == Path(place)


def test_what_lies_in_a_bucket_is_no_folder() -> None:
    assert STORAGE.local("s3://bucket/checkpoint") is None


def test_a_streams_state_is_in_its_checkpoint_and_for_a_bucket_always_in_the_same_place_of_its_own() -> None:
    assert STORAGE.state_of("/a/checkpoint") == Path("/stage/dbfs/a/checkpoint/cloud_files")
    one, other = (STORAGE.state_of(f"s3://bucket/{name}") for name in ("one", "other"))
    assert one == STORAGE.state_of("s3://bucket/one") != other
    assert one.is_relative_to("/stage")


def test_spark_is_told_of_the_folders_by_settings_alone() -> None:
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
def test_a_checkpoint_is_found_in_either_spelling_of_a_parameter(arguments: list[str], path: str | None) -> None:
    assert checkpoint_of(arguments) == path
