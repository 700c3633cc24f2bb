"""Paths of storage, and the VPC Logs Path: which are allowed, which are the same, which overlap."""

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
def test_the_plain_form_is_allowed_with_prefix_and_wildcards_for_account_and_region(path: str) -> None:
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
def test_the_hive_form_is_allowed(path: str) -> None:
    assert logs_path_problem(path) is None
    assert name_filter(path) is None


@pytest.mark.parametrize("path", ["s3://flow-logs/AWSLogs/*", "s3://flow-logs/AWSLogs", "s3://flow-logs/p/AWSLogs/*/"])
def test_where_both_layouts_share_a_bucket_only_flow_log_files_are_read(path: str) -> None:
    assert logs_path_problem(path) is None
    assert name_filter(path) == OTHER_SERVICES_FILTER == "*_vpcflowlogs_*"


@pytest.mark.parametrize(
    "path", ["/data/logs", "/data/logs/", "/data/*/logs", "file:/data/logs", "file:///data/logs", "/data/*"]
)
def test_a_local_folder_or_glob_is_allowed(path: str) -> None:
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
def test_any_other_form_is_refused_with_what_is_allowed(path: str) -> None:
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
def test_no_segment_of_the_prefix_may_be_awslogs(path: str) -> None:
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
def test_slash_and_star_at_the_end_make_no_difference_to_what_is_loaded(path: str, loaded: str) -> None:
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
def test_slashes_at_the_end_are_dropped_but_a_root_stays(path: str, stripped: str) -> None:
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
def test_a_folder_in_a_bucket_a_volume_dbfs_or_a_local_one_is_allowed(path: str) -> None:
    assert storage_path_problem(path) is None


@pytest.mark.parametrize("path", ["/Volumes/Main/s/v/x", "/Volumes/main/S/v/x", "dbfs:/Volumes/main/s/V/x"])
def test_the_three_names_of_a_volume_are_lower_case(path: str) -> None:
    problem = storage_path_problem(path)
    assert problem is not None
    assert repr(path) in problem
    assert "Unity Catalog stores these names in lowercase" in problem


@pytest.mark.parametrize("path", ["/Volumes/main/security/checkpoints/Flow", "/Checkpoints/Flow", "s3://lake-1/Flow"])
def test_a_folder_may_have_upper_case_letters(path: str) -> None:
    assert storage_path_problem(path) is None


@pytest.mark.parametrize("path", ["/Volumes/main/security/lake/flow", "dbfs:/Volumes/main/security/lake/flow"])
def test_a_table_lies_in_no_volume(path: str) -> None:
    problem = table_path_problem(path)
    assert problem is not None
    assert "which cannot hold tables" in problem


@pytest.mark.parametrize("path", ["s3://lake-1/flow_logs", "dbfs:/flow", "/flow", "/VolumesOfOthers/flow"])
def test_a_table_lies_in_every_other_folder(path: str) -> None:
    assert table_path_problem(path) is None


def test_what_a_table_path_may_be_names_no_volume() -> None:
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
def test_a_root_a_wildcard_a_dot_or_another_scheme_is_refused(path: str) -> None:
    problem = storage_path_problem(path)
    assert problem is not None
    assert repr(path) in problem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/b", "/a/b/"),
        ("file:/a/b", "/a//b"),
        ("file:///a/b", "/a/b"),
        ("dbfs:/a", "/a"),
        ("s3://b/x", "s3a://b/x/"),
    ],
)
def test_slashes_and_spelled_out_schemes_make_no_other_path(one: str, other: str) -> None:
    assert same(one, other)
    assert same(other, one)
    assert parts(one) == parts(other)


@pytest.mark.parametrize(("one", "other"), [("/a/b", "/a/c"), ("/a", "/a/b"), ("s3://a/b", "/a/b"), ("/a/B", "/a/b")])
def test_other_folders_are_not_the_same(one: str, other: str) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_a_folder_overlaps_what_lies_in_it_and_a_wildcard_is_any_name(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("glob", "folder"),
    [("/a/l*", "/a/lake"), ("/a/l?ke", "/a/lake/t"), ("/a/{logs,lake}", "/a/lake"), ("/a/[l]ake/x", "/a/lake/x/y")],
)
def test_a_glob_within_a_name_overlaps_the_names_it_matches(glob: str, folder: str) -> None:
    assert overlap(glob, folder)
    assert overlap(folder, glob)


def test_a_glob_that_cannot_be_told_for_certain_overlaps() -> None:
    assert overlap("/a/{b/c,d}", "/a/x")  # goes on in the next part
    assert overlap("/a/" + "{b,c}" * 50, "/a/x")


def test_a_star_goes_across_folders_as_it_does_for_auto_loader() -> None:
    # /a/*/c takes /a/b/x/y/c/file
    assert overlap("/a/*/c", "/a/b/x/c/table")


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_folders_side_by_side_do_not_overlap(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)
