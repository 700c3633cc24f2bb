"""Storage paths and the VPC Logs Path: valid, equal and overlapping ones."""

from __future__ import annotations

import pytest

from vpc_flow_logs.logs_path import OTHER_SERVICES_FILTER, load_path, logs_path_problem, name_filter
from vpc_flow_logs.paths import overlap, parts, same, storage_path_problem, table_path_problem, without_trailing_slash

pytestmark = pytest.mark.lts

PLAIN = "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1"
HIVE = "s3://flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1"


@pytest.mark.parametrize(
    "path",
    [
        f"{PLAIN}/*",
        PLAIN,
        f"{PLAIN}/",
        f"{PLAIN}/*/",
        "s3://flow-logs/AWSLogs/*/vpcflowlogs/us-east-1/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/*/*",
        "s3://flow-logs/AWSLogs/*/vpcflowlogs/*/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-gov-west-1/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/ap-southeast-2/*",
        "s3://flow.logs-1/team/network/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
        "s3://flow-logs/notAWSLogs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
    ],
)
def test_the_plain_layout_is_valid_with_a_prefix_and_with_wildcards_for_account_and_region(path: str) -> None:
    assert logs_path_problem(path) is None
    assert name_filter(path) is None


@pytest.mark.parametrize(
    "path",
    [
        f"{HIVE}/*",
        HIVE,
        f"{HIVE}/",
        "s3://flow-logs/AWSLogs/aws-account-id=*/aws-service=vpcflowlogs/aws-region=us-east-1/*",
        "s3://flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=*/*",
        "s3://flow-logs/p/q/AWSLogs/aws-account-id=*/aws-service=vpcflowlogs/aws-region=*/*",
    ],
)
def test_the_hive_layout_is_valid(path: str) -> None:
    assert logs_path_problem(path) is None
    assert name_filter(path) is None


@pytest.mark.parametrize("path", ["s3://flow-logs/AWSLogs/*", "s3://flow-logs/AWSLogs", "s3://flow-logs/p/AWSLogs/*/"])
def test_a_path_that_covers_other_services_reads_only_flow_log_files(path: str) -> None:
    assert logs_path_problem(path) is None
    assert name_filter(path) == OTHER_SERVICES_FILTER == "*_vpcflowlogs_*"


@pytest.mark.parametrize(
    "path", ["/data/logs", "/data/logs/", "/data/*/logs", "file:/data/logs", "file:///data/logs", "/data/*"]
)
def test_a_local_folder_or_glob_is_valid(path: str) -> None:
    assert logs_path_problem(path) is None
    assert name_filter(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "logs",
        "./logs",
        "/",
        "file:/",
        "file:///",
        "//",
        "s3://",
        "s3://flow-logs",
        "s3://flow-logs/",
        "s3://flow-logs/*",
        "s3://flow-logs/prefix/*",
        "s3a://flow-logs/AWSLogs/*",
        "https://flow-logs.s3.amazonaws.com/AWSLogs/*",
        "S3://Flow/AWSLogs/*",
        "s3://Flow_Logs/AWSLogs/*",
        "s3://flow-logs/awslogs/*",
        "s3://flow-logs/AWSLogs/12345/vpcflowlogs/us-east-1/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/US-EAST-1/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/*x/*",
        "s3://flow-logs/AWSLogs/1234*/vpcflowlogs/us-east-1/*",
        "s3://flow-logs/AWSLogs/123456789012/CloudTrail/us-east-1/*",
        "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/*",
        "s3://flow-logs/AWSLogs/aws-account-id=123456789012/vpcflowlogs/us-east-1/*",
        "s3://flow-logs/AWSLogs/**",
        "s3://flow-logs/pre*/AWSLogs/*",
        "s3://flow-logs/{a,b}/AWSLogs/*",
    ],
)
def test_an_invalid_logs_path_is_reported_with_the_valid_forms(path: str) -> None:
    problem = logs_path_problem(path)
    assert problem is not None
    assert repr(without_trailing_slash(path)) in problem
    assert "AWSLogs/<account>/vpcflowlogs/<region>/*" in problem
    assert "aws-account-id=<account>" in problem


@pytest.mark.parametrize(
    "path",
    [
        "s3://flow-logs/AWSLogs/AWSLogs/*",
        "s3://flow-logs/AWSLogs/p/AWSLogs/*",
        "s3://flow-logs/p/AWSLogs/q/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
        "s3://flow-logs/AWSLogs/AWSLogs/aws-account-id=*/aws-service=vpcflowlogs/aws-region=*/*",
    ],
)
def test_the_prefix_cannot_contain_a_segment_awslogs(path: str) -> None:
    assert logs_path_problem(path) is not None


@pytest.mark.parametrize(
    ("path", "loaded"),
    [
        (f"{PLAIN}/*", PLAIN),
        (f"{PLAIN}/*/", PLAIN),
        (f"{PLAIN}/", PLAIN),
        (PLAIN, PLAIN),
        ("s3://b-1/AWSLogs/*/vpcflowlogs/*/*", "s3://b-1/AWSLogs/*/vpcflowlogs/*"),
        ("/data/logs/", "/data/logs"),
        ("/data/logs/*", "/data/logs"),
    ],
)
def test_a_trailing_slash_or_star_is_dropped_from_the_loaded_path(path: str, loaded: str) -> None:
    assert load_path(path) == loaded


@pytest.mark.parametrize(
    ("path", "stripped"),
    [
        ("/a/", "/a"),
        ("/a//", "/a"),
        ("/", "/"),
        ("s3://b/t/", "s3://b/t"),
        ("", ""),
        ("dbfs:/", "dbfs:/"),
        ("s3://", "s3://"),
    ],
)
def test_trailing_slashes_are_dropped_but_a_root_stays(path: str, stripped: str) -> None:
    assert without_trailing_slash(path) == stripped


@pytest.mark.parametrize(
    "path",
    [
        "s3://lake-1/flow_logs",
        "s3://lake-1/a/b/c/",
        "/Volumes/main/security/checkpoints/flow",
        "dbfs:/flow/checkpoint",
        "/flow",
        "file:/flow",
        "/a b/ü",
    ],
)
def test_a_folder_in_a_bucket_a_volume_dbfs_or_locally_is_valid(path: str) -> None:
    assert storage_path_problem(path) is None


@pytest.mark.parametrize("path", ["/Volumes/Main/s/v/x", "/Volumes/main/S/v/x", "dbfs:/Volumes/main/s/V/x"])
def test_the_names_in_a_volume_path_must_be_lowercase(path: str) -> None:
    problem = storage_path_problem(path)
    assert problem is not None
    assert repr(path) in problem
    assert "Unity Catalog stores these names in lowercase" in problem


@pytest.mark.parametrize("path", ["/Volumes/main/security/checkpoints/Flow", "/Checkpoints/Flow", "s3://lake-1/Flow"])
def test_a_folder_name_may_have_uppercase_letters(path: str) -> None:
    assert storage_path_problem(path) is None


@pytest.mark.parametrize("path", ["/Volumes/main/security/lake/flow", "dbfs:/Volumes/main/security/lake/flow"])
def test_a_table_path_in_a_volume_is_a_problem(path: str) -> None:
    problem = table_path_problem(path)
    assert problem is not None
    assert "which cannot hold tables" in problem


@pytest.mark.parametrize("path", ["s3://lake-1/flow_logs", "dbfs:/flow", "/flow", "/VolumesOfOthers/flow"])
def test_a_table_path_outside_volumes_is_valid(path: str) -> None:
    assert table_path_problem(path) is None


def test_the_valid_forms_of_a_table_path_do_not_include_volumes() -> None:
    problem = table_path_problem("gs://lake-1/x")
    assert problem == "'gs://lake-1/x' is not a supported path; use s3://bucket/folder, dbfs:/folder or /folder"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "relative/folder",
        "s3://lake-1",
        "s3://lake-1/",
        "s3://lake-1//",
        "s3://L/x",
        "s3:///x",
        "s3a://lake-1/x",
        "s3n://lake-1/x",
        "gs://lake-1/x",
        "hdfs://host/x",
        "https://x/y",
        "/",
        "///",
        "dbfs:/",
        "file:///",
        "s3://lake-1/*",
        "/a/*/b",
        "/a/b?",
        "/a/[b]",
        "/a/{b,c}",
        "/a/../b",
        "s3://lake-1/./b",
    ],
)
def test_a_root_a_wildcard_a_dot_segment_or_an_unknown_scheme_is_a_problem(path: str) -> None:
    problem = storage_path_problem(path)
    assert problem is not None
    assert repr(path) in problem


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/a/b", "/a/b/"),
        ("file:/a/b", "/a//b"),
        ("file:///a/b", "/a/b"),
        ("dbfs:/a", "/a"),
        ("s3://b/x", "s3a://b/x/"),
    ],
)
def test_slashes_and_default_schemes_do_not_change_a_path(path: str, other: str) -> None:
    assert same(path, other)
    assert same(other, path)
    assert parts(path) == parts(other)


@pytest.mark.parametrize(("path", "other"), [("/a/b", "/a/c"), ("/a", "/a/b"), ("s3://a/b", "/a/b"), ("/a/B", "/a/b")])
def test_different_folders_are_not_the_same(path: str, other: str) -> None:
    assert not same(path, other)
    assert not same(other, path)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/a", "/a"),
        ("/a", "/a/b"),
        ("/a/", "file:/a/b/c"),
        ("s3://b/x", "s3://b/x/y"),
        ("/a/*/c", "/a/b/c/d"),
        ("/a/*", "/a/b"),
        ("s3://b/AWSLogs/*", "s3://b/AWSLogs/x"),
        ("s3://b/AWSLogs/*/vpcflowlogs/*/*", "s3://b/AWSLogs"),
    ],
)
def test_a_folder_overlaps_its_contents_and_a_wildcard_matches_any_name(path: str, other: str) -> None:
    assert overlap(path, other)
    assert overlap(other, path)


@pytest.mark.parametrize(
    ("glob", "folder"),
    [("/a/l*", "/a/lake"), ("/a/l?ke", "/a/lake/t"), ("/a/{logs,lake}", "/a/lake"), ("/a/[l]ake/x", "/a/lake/x/y")],
)
def test_a_glob_within_a_name_overlaps_the_names_it_matches(glob: str, folder: str) -> None:
    assert overlap(glob, folder)
    assert overlap(folder, glob)


def test_a_glob_that_cannot_be_decided_counts_as_overlapping() -> None:
    assert overlap("/a/{b/c,d}", "/a/x")  # the alternative continues in the next segment
    assert overlap("/a/" + "{b,c}" * 50, "/a/x")


def test_a_star_matches_across_folders_as_in_auto_loader() -> None:
    # /a/*/c matches /a/b/x/y/c/file
    assert overlap("/a/*/c", "/a/b/x/c/table")


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/a/b", "/a/bc"),
        ("s3://a/x", "s3://b/x"),
        ("s3://a/x", "/a/x"),
        ("/a/l*", "/a/table"),
        ("/x/*/c", "/y/b/c"),
        ("/a/{logs,x{1,2}}/b", "/a/x3"),
        ("/a/logs {prod}", "/a/out"),
    ],
)
def test_separate_folders_do_not_overlap(path: str, other: str) -> None:
    assert not overlap(path, other)
    assert not overlap(other, path)
