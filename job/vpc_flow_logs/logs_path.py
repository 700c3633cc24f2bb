"""The VPC Logs Path: where delivered files are, and how Auto Loader is told.

Source of the keys: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re

from vpc_flow_logs.paths import parts, without_trailing_slash

OTHER_SERVICES_FILTER = "*_vpcflowlogs_*"
"""Names of delivered flow log files; other AWS services write below AWSLogs too."""

REGION = r"[a-z]{2,8}(?:-[a-z]+)+-[0-9]{1,2}"
"""A region of any of AWS's partitions, such as ``us-east-1``, ``us-gov-west-1`` or ``eusc-de-east-1``."""

_BUCKET_AND_PREFIX = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?:(?!AWSLogs/)[^/*?\[\]{}]+/)*"
_ACCOUNT = r"(?:[0-9]{12}|\*)"
_REGION = rf"(?:{REGION}|\*)"
_PLAIN = rf"AWSLogs/{_ACCOUNT}/vpcflowlogs/{_REGION}(?:/\*)?"
_HIVE = rf"AWSLogs/aws-account-id={_ACCOUNT}/aws-service=vpcflowlogs/aws-region={_REGION}(?:/\*)?"
_ONE_LAYOUT = re.compile(rf"{_BUCKET_AND_PREFIX}(?:{_PLAIN}|{_HIVE})")
_BOTH_LAYOUTS = re.compile(rf"{_BUCKET_AND_PREFIX}AWSLogs(?:/\*)?")


def logs_path_problem(path: str) -> str | None:
    """Why a text is no VPC Logs Path, or None."""
    path = without_trailing_slash(path)
    if path.startswith(("/", "file:/")) and parts(path):
        return None
    if _ONE_LAYOUT.fullmatch(path) or _BOTH_LAYOUTS.fullmatch(path):
        return None
    return (
        f"{path!r} is none of s3://bucket[/prefix]/AWSLogs/<account>/vpcflowlogs/<region>/*, "
        "s3://bucket[/prefix]/AWSLogs/aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/*, "
        "s3://bucket[/prefix]/AWSLogs/* (account of 12 digits and region may be *), or a folder beginning with /"
    )


def load_path(path: str) -> str:
    """The folder, or glob of folders, that holds the files of a VPC Logs Path, all levels down.

    >>> load_path("s3://b/AWSLogs/123456789012/vpcflowlogs/us-east-1/*")
    's3://b/AWSLogs/123456789012/vpcflowlogs/us-east-1'
    """
    return without_trailing_slash(path).removesuffix("/*") or path


def name_filter(path: str) -> str | None:
    """The glob for file names that is needed with a path where other services write too, else None."""
    return OTHER_SERVICES_FILTER if _BOTH_LAYOUTS.fullmatch(without_trailing_slash(path)) else None
