"""The kinds of single values an environment file holds: what each may be, and what is said when it is not.

A validator's message that begins with "is", "has" or "needs" goes on from the value: ``"vpc-1" is no VPC id``. Where
the job has a rule for the same value (paths, table names, regions), its rule is used, with its whole message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from vpc_flow_logs.fields import BY_NAME, canonical, is_known
from vpc_flow_logs.parameters import region_problem, table_name_problem
from vpc_flow_logs.paths import storage_path_problem

_HEX_ID = "(?:[0-9a-f]{8}|[0-9a-f]{17})"
_FIELDS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
_ARN = "arn:aws(?:-[a-z]+)*"


def _matching(pattern: str, what: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(f"is no {what}")
        return value

    return AfterValidator(check)


def _without(problem: Callable[[str], str | None]) -> AfterValidator:
    """A rule of the job: None is good, a text is the whole message."""

    def check(value: str) -> str:
        found = problem(value)
        if found is not None:
            raise ValueError(found)
        return value

    return AfterValidator(check)


def _resource_id(kind: str, what: str) -> AfterValidator:
    return _matching(f"{kind}-{_HEX_ID}", f"{what} ({kind}- and 8 or 17 digits 0-9, a-f)")


def _prefix(value: str) -> str:
    segments = value.rstrip("/").split("/")
    if "AWSLogs" in segments:
        raise ValueError("has a segment AWSLogs, which AWS reserves for the folder that it makes itself")
    # What would be a wildcard or a variable in an IAM document stays out, for this text goes into one.
    if not all(re.fullmatch(r"[A-Za-z0-9!_.'()=+@-]+", segment) and segment.strip(".") for segment in segments):
        raise ValueError("is no prefix of keys (such as network/logs: letters, digits and !_.'()=+@- between the /)")
    return "/".join(segments)


def _host(value: str) -> str:
    try:
        url = urlsplit(value)
        local = url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost")
        bare = url.path in ("", "/") and not (url.query or url.fragment or "@" in url.netloc)
        good = (url.scheme == "https" or local) and bool(url.hostname) and bare and (url.port is None or url.port > 0)
    except ValueError:  # a port that is no number, brackets that do not match
        good = False
    if not good:
        raise ValueError("is no workspace URL (https://…, nothing behind the host; http only for 127.0.0.1, localhost)")
    return value.rstrip("/")


def _schedule(value: str) -> str:
    parts = value.split()
    if not (len(parts) in (6, 7) and all(re.fullmatch(r"[0-9A-Za-z*?/,#-]+", part) for part in parts)):
        raise ValueError('is no Quartz expression (six or seven parts, seconds first: "0 0/15 * * * ?")')
    if (parts[3] == "?") == (parts[5] == "?"):
        raise ValueError("needs ? for the day of the month (4th part) or the day of the week (6th part), not for both")
    return value


def _secret_arn(value: str) -> str:
    arn = rf"{_ARN}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{{6}}"
    if re.fullmatch(arn, value) is None:
        # What is no ARN may be the secret itself.
        spoken = f'"{value}"' if re.match(f"{_ARN}:secretsmanager:", value) else "the value (not shown)"
        raise ValueError(
            f"{spoken} is no ARN of a secret, with the six characters that Secrets Manager adds "
            "(arn:aws:secretsmanager:region:account:secret:name-AbCdEf)"
        )
    return value


def _field(value: str) -> str:
    if not is_known(value):
        close = get_close_matches(canonical(value), list(BY_NAME), n=1)
        raise ValueError(
            "is no field of a flow log" + (f'; did you mean "{close[0]}"?' if close else f" (see {_FIELDS})")
        )
    if value != canonical(value):
        raise ValueError(f'is spelled "{canonical(value)}" by AWS')
    return value


AccountId = Annotated[str, _matching("[0-9]{12}", "AWS account id (12 digits)")]
Region = Annotated[str, _without(region_problem)]
BucketName = Annotated[
    str,
    _matching(
        r"(?!xn--|sthree-|amzn-s3-demo-)(?![0-9.]+$)[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]",
        "bucket name (3 to 63 lower-case letters, digits, hyphens; no s3:// and no folder)",
    ),
]
Prefix = Annotated[str, AfterValidator(_prefix)]
Days = Annotated[int, Field(ge=1, le=36500)]
KmsKeyArn = Annotated[
    str,
    _matching(
        rf"{_ARN}:kms:[a-z0-9-]+:[0-9]{{12}}:key/(?:mrk-[0-9a-f]{{32}}|[0-9a-f-]{{36}})",
        "ARN of a KMS key (arn:aws:kms:region:account:key/…; log delivery takes neither an id nor an alias)",
    ),
]
VpcId = Annotated[str, _resource_id("vpc", "VPC id")]
SubnetId = Annotated[str, _resource_id("subnet", "subnet id")]
InterfaceId = Annotated[str, _resource_id("eni", "network interface id")]
TransitGatewayId = Annotated[str, _resource_id("tgw", "transit gateway id")]
FieldName = Annotated[str, AfterValidator(_field)]
TagKey = Annotated[str, _matching(r"(?!aws:)[^\x00-\x1f]{1,128}", "tag key (1 to 128 characters, not aws:…)")]
TagValue = Annotated[str, _matching(r"[^\x00-\x1f]{0,256}", "tag value (at most 256 characters)")]
RoleName = Annotated[str, _matching(r"[A-Za-z0-9+=,.@_-]{1,64}", "role name (1 to 64 of A-Z a-z 0-9 + = , . @ _ -)")]
RoleArn = Annotated[
    str,
    _matching(
        rf"{_ARN}:iam::[0-9]{{12}}:role/(?:[\x21-\x7e]+/)?[A-Za-z0-9+=,.@_-]{{1,64}}",
        "ARN of a role (arn:aws:iam::account:role/name)",
    ),
]
Host = Annotated[str, AfterValidator(_host)]
SecretArn = Annotated[str, AfterValidator(_secret_arn)]
Principal = Annotated[str, _matching(r"\S(?:.*\S)?", "name of a group")]
UserName = Annotated[str, _matching(r"[^\s@]+@[^\s@]+\.[^\s@]+", "user name (an e-mail address)")]
Email = Annotated[str, _matching(r"[^\s@]+@[^\s@]+\.[^\s@]+", "e-mail address")]
ApplicationId = Annotated[
    str,
    _matching(
        "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        "application id of a service principal (a UUID, not its name)",
    ),
]
SparkVersion = Annotated[
    str,
    _matching(
        r"[0-9]{2}(?:\.[0-9]+)?\.x-(?:[a-z0-9]+-)*scala2\.13",
        "version key of a Databricks runtime for Scala 2.13 (18.x-scala2.13)",
    ),
]
NodeType = Annotated[str, _matching(r"[a-z0-9-]+\.[a-z0-9-]+", "EC2 instance type (m6gd.large)")]
Workers = Annotated[int, Field(ge=0, le=1000)]
PolicyId = Annotated[str, _matching("[0-9A-Fa-f]{16}", "cluster policy id (16 hex digits)")]
TableName = Annotated[str, _without(table_name_problem)]
StoragePath = Annotated[str, _without(storage_path_problem)]
OutputPath = Annotated[str, _without(lambda value: storage_path_problem(value) if value else None)]
Schedule = Annotated[str, AfterValidator(_schedule)]
Header = Annotated[str, AfterValidator(str.strip)]
