"""The VPC Logs Path: its valid forms, and the load path and file name filter that Auto Loader gets.

Source of the keys: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re

from vpc_flow_logs.paths import parts, without_trailing_slash

OTHER_SERVICES_FILTER = "*_vpcflowlogs_*"
"""Glob for the names of flow log files. Other AWS services deliver files below AWSLogs too."""

REGION = r"[a-z]{2,8}(?:-[a-z]+)+-[0-9]{1,2}"
"""Pattern for a region in any AWS partition, such as ``us-east-1``, ``us-gov-west-1`` or ``eusc-de-east-1``."""

_BUCKET_AND_PREFIX = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?:(?!AWSLogs/)[^/*?\[\]{}]+/)*"
_ACCOUNT = r"(?:[0-9]{12}|\*)"
_REGION = rf"(?:{REGION}|\*)"
_PLAIN = rf"AWSLogs/{_ACCOUNT}/vpcflowlogs/{_REGION}(?:/\*)?"
_HIVE = rf"AWSLogs/aws-account-id={_ACCOUNT}/aws-service=vpcflowlogs/aws-region={_REGION}(?:/\*)?"
_ONE_LAYOUT = re.compile(rf"{_BUCKET_AND_PREFIX}(?:{_PLAIN}|{_HIVE})")
_BOTH_LAYOUTS = re.compile(rf"{_BUCKET_AND_PREFIX}AWSLogs(?:/\*)?")


def logs_path_problem(path: str) -> str | None:
    """Return the reason that a string is not a valid VPC Logs Path, or None."""
    path = without_trailing_slash(path)
    if path.startswith(("/", "file:/")) and parts(path):
        return None
    if _ONE_LAYOUT.fullmatch(path) or _BOTH_LAYOUTS.fullmatch(path):
        return None
    return (
        f"{path!r} is not a valid VPC Logs Path; use s3://bucket[/prefix]/AWSLogs/<account>/vpcflowlogs/<region>/*, "
        "s3://bucket[/prefix]/AWSLogs/aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/*, "
        "s3://bucket[/prefix]/AWSLogs/* or a local folder that starts with /. <account> is a 12-digit account ID or *; "
        "<region> is a region or *"
    )


def load_path(path: str) -> str:
    """Return the folder, or the glob for folders, to load recursively for a VPC Logs Path.

    >>> load_path("s3://b/AWSLogs/123456789012/vpcflowlogs/us-east-1/*")
    's3://b/AWSLogs/123456789012/vpcflowlogs/us-east-1'
    """
    return without_trailing_slash(path).removesuffix("/*") or path


def name_filter(path: str) -> str | None:
    """Return the glob for file names if other AWS services write below the path too, else None."""
    return OTHER_SERVICES_FILTER if _BOTH_LAYOUTS.fullmatch(without_trailing_slash(path)) else None
