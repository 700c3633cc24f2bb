"""Types of the values in an environment file: the rule for each, and the message for a value that breaks it.

A validator's message that begins with "is", "has", "needs" or "never" follows the value: ``"vpc-1" is not a valid VPC
ID``. If the job has a rule for the same value (paths, table names, regions), that rule applies and its message is
complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, Field

from infra.environment import partitions
from infra.environment.host import host_problem
from infra.environment.quartz import quartz_problem
from vpc_flow_logs.fields import BY_NAME, canonical, is_known
from vpc_flow_logs.maintenance.arguments import MOST_DAYS
from vpc_flow_logs.parameters import region_problem, table_name_problem
from vpc_flow_logs.paths import parts, scheme_of, storage_path_problem, table_path_problem

_HEX_ID = "(?:[0-9a-f]{8}|[0-9a-f]{17})"
_FIELDS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
_ARN = "arn:aws(?:-[a-z]+)*"
_BUCKET = r"(?!xn--|sthree-|amzn-s3-demo-)(?![0-9.]+$)[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]"
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3", ".mrap")
# One segment of an object key. The key becomes part of an IAM document, so wildcards and IAM variables are excluded.
_SEGMENT = r"[A-Za-z0-9!_.'()=+@-]+"
_SEGMENT_WORDS = "letters, digits and !_.'()=+@-"
_MAX_LENGTH = 512  # An object key has at most 1,024 bytes.


def _matching(pattern: str, description: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(f"is not a valid {description}")
        return value

    return AfterValidator(check)


def _without(problem_of: Callable[[str], str | None]) -> AfterValidator:
    """Apply a rule of the job, which returns None for a valid value and the complete message for any other."""

    def check(value: str) -> str:
        problem = problem_of(value)
        if problem is not None:
            raise ValueError(problem)
        return value

    return AfterValidator(check)


def _resource_id(kind: str, description: str) -> AfterValidator:
    return _matching(f"{kind}-{_HEX_ID}", f"{description} ({kind}- followed by 8 or 17 lowercase hexadecimal digits)")


def _general_purpose(value: str) -> str:
    if value.endswith(_RESERVED_SUFFIXES):
        raise ValueError(
            "has a suffix that S3 reserves for access points, directory buckets and table buckets "
            f"({', '.join(_RESERVED_SUFFIXES)}); flow logs cannot be delivered there"
        )
    return value


def _prefix(value: str) -> str:
    segments = value.rstrip("/").split("/")
    if "AWSLogs" in segments:
        raise ValueError("has the segment AWSLogs, which AWS reserves for the folder that it creates")
    if not all(re.fullmatch(_SEGMENT, segment) and segment.strip(".") for segment in segments):
        raise ValueError(f"is not a valid key prefix, such as network/logs ({_SEGMENT_WORDS} between the slashes)")
    if len(value) > _MAX_LENGTH:
        raise ValueError(
            f"has {len(value)} characters; the maximum is {_MAX_LENGTH}, to leave room for what AWS adds to object keys"
        )
    return "/".join(segments)


def _storage_path(value: str) -> str:
    """Apply the job's rule, and check that an IAM document can name the folder."""
    problem = storage_path_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return _fit_for_iam(value)


def _table_path(value: str) -> str:
    """Apply the same checks to the folder of a table."""
    problem = table_path_problem(value) if value else None
    if problem is not None:
        raise ValueError(problem)
    return _fit_for_iam(value)


def _fit_for_iam(value: str) -> str:
    if len(value) > _MAX_LENGTH:
        raise ValueError(
            f"has {len(value)} characters; the maximum is {_MAX_LENGTH}, to leave room for the names of files"
        )
    if scheme_of(value) == "s3":
        bucket, *keys = parts(value)
        if re.fullmatch(_BUCKET, bucket) is None:
            raise ValueError(f'has "{bucket}" in place of a valid bucket name')
        if not all(re.fullmatch(_SEGMENT, key) for key in keys):
            raise ValueError(f"is not a folder that an IAM policy can name ({_SEGMENT_WORDS} between the slashes)")
    elif value != value.strip() or not value.isprintable():
        raise ValueError("has leading or trailing spaces, or invisible characters")
    return value


def _host(value: str) -> str:
    problem = host_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value.rstrip("/")


def _schedule(value: str) -> str:
    problem = quartz_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


def _secret_arn(value: str) -> str:
    arn = rf"{_ARN}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{{6}}"
    if re.fullmatch(arn, value) is None:
        # A value that is not an ARN may be the secret itself.
        subject = f'"{value}"' if re.match(f"{_ARN}:secretsmanager:", value) else "the value (not shown)"
        raise ValueError(
            f"{subject} is not the full ARN of a secret, with the six characters that Secrets Manager appends "
            "(arn:aws:secretsmanager:region:account:secret:name-AbCdEf)"
        )
    return value


def _no_reference(value: str) -> str:
    if "${" in value:
        raise ValueError("has ${ in it, which CloudFormation treats as a reference. Variables are not supported here")
    return value


def _field(value: str) -> str:
    if not is_known(value):
        close = get_close_matches(canonical(value), list(BY_NAME), n=1)
        raise ValueError(
            "is not a flow log field" + (f'; did you mean "{close[0]}"?' if close else f" (see {_FIELDS})")
        )
    if value != canonical(value):
        raise ValueError(f'is not the AWS spelling; use "{canonical(value)}"')
    return value


def _region_problem(value: str) -> str | None:
    """Apply the job's rule, and check that an AWS partition has the region."""
    unknown = (
        None
        if partitions.find(value)
        else f"{value!r} is not a valid AWS region, such as us-east-1: no AWS partition contains it"
    )
    return region_problem(value) or unknown


_NO_REFERENCE = AfterValidator(_no_reference)

AccountId = Annotated[str, _matching("[0-9]{12}", "AWS account ID (12 digits)")]
Region = Annotated[str, _without(_region_problem)]
BucketName = Annotated[
    str,
    _matching(
        _BUCKET,
        "bucket name (3 to 63 lowercase letters, digits and hyphens; without s3:// and without a folder)",
    ),
    AfterValidator(_general_purpose),
]
Prefix = Annotated[str, AfterValidator(_prefix)]
Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]
Seconds = Annotated[int, Field(ge=1, le=86400)]
KmsKeyArn = Annotated[
    str,
    _matching(
        rf"{_ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/(?:mrk-[0-9a-f]{{32}}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})",
        "KMS key ARN (arn:aws:kms:region:account:key/…; log delivery accepts neither a key ID nor an alias)",
    ),
]
VpcId = Annotated[str, _resource_id("vpc", "VPC ID")]
SubnetId = Annotated[str, _resource_id("subnet", "subnet ID")]
InterfaceId = Annotated[str, _resource_id("eni", "network interface ID")]
TransitGatewayId = Annotated[str, _resource_id("tgw", "transit gateway ID")]
FieldName = Annotated[str, AfterValidator(_field)]
TagKey = Annotated[
    str,
    _matching(
        r"(?!(?i:aws:))[^\x00-\x1f]{1,128}",
        "tag key (1 to 128 characters, no control characters, not beginning with aws:)",
    ),
    _NO_REFERENCE,
]
TagValue = Annotated[
    str, _matching(r"[^\x00-\x1f]{0,256}", "tag value (at most 256 characters, no control characters)"), _NO_REFERENCE
]
RoleName = Annotated[
    str, _matching(r"[A-Za-z0-9+=,.@_-]{1,64}", "role name (1 to 64 characters from A-Z a-z 0-9 + = , . @ _ -)")
]
RoleArn = Annotated[
    str,
    _matching(
        rf"{_ARN}:iam::[0-9]{{12}}:role/(?:[\x21-\x7e]+/)?[A-Za-z0-9+=,.@_-]{{1,64}}",
        "role ARN (arn:aws:iam::account:role/name)",
    ),
]
Host = Annotated[str, AfterValidator(_host)]
SecretArn = Annotated[str, AfterValidator(_secret_arn)]
Principal = Annotated[str, _matching(r"\S(?:.*\S)?", "group name"), _NO_REFERENCE]
UserName = Annotated[str, _matching(r"[^\s@]+@[^\s@]+\.[^\s@]+", "user name (an e-mail address)"), _NO_REFERENCE]
Email = Annotated[str, _matching(r"[^\s@]+@[^\s@]+\.[^\s@]+", "e-mail address"), _NO_REFERENCE]
ApplicationId = Annotated[
    str,
    _matching(
        "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        "service principal application ID (a UUID, not the name)",
    ),
]
SparkVersion = Annotated[
    str,
    _matching(
        r"[0-9]{2}(?:\.[0-9]+)?\.x-(?:[a-z0-9]+-)*scala2\.13",
        "Databricks Runtime version key for Scala 2.13, such as 18.x-scala2.13",
    ),
]
NodeType = Annotated[str, _matching(r"[a-z0-9-]+\.[a-z0-9-]+", "EC2 instance type, such as m6gd.xlarge")]
Workers = Annotated[int, Field(ge=0, le=1000)]
PolicyId = Annotated[str, _matching("[0-9A-Fa-f]{16}", "cluster policy ID (16 hex digits)")]
WarehouseId = Annotated[
    str, _matching("[0-9a-f]{16}", "SQL warehouse ID (16 lowercase hex digits, next to the name of the warehouse)")
]
TableName = Annotated[str, _without(table_name_problem)]
StoragePath = Annotated[str, AfterValidator(_storage_path)]
OutputPath = Annotated[str, AfterValidator(_table_path)]
Schedule = Annotated[str, AfterValidator(_schedule)]
Header = Annotated[str, AfterValidator(str.strip)]
