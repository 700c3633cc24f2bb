"""Compare the log bucket's policy with the reviewed policy.

When a principal with permission to put bucket policies creates a flow log, AWS attaches its own policy, which
"overwrites any existing policy attached to the bucket". CloudFormation does not notice.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.environment.schema import Environment
from infra.iam import policies
from infra.smoke.aws import Clients, read_aws

_Statement = Mapping[str, Any]


@dataclass(frozen=True)
class ObservedPolicy:
    """The differences between the bucket's policy and the reviewed one.

    Attributes:
        exists: True if the bucket exists.
        reviewed: The Sids of the reviewed statements.
        missing: The Sids of the reviewed statements that the bucket's policy does not have.
        changed: The Sids of the statements with different content, each with the names of the elements that differ.
    """

    exists: bool = True
    reviewed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[tuple[str, tuple[str, ...]], ...] = ()


def observe(environment: Environment) -> ObservedPolicy:
    """Read the bucket's policy and compare it with the reviewed one.

    Raises:
        DeploymentError: AWS denies access or rejects the request.
    """
    reviewed = json.loads(json.dumps(policies.bucket_policy(environment).document))["Statement"]
    live = read_aws(
        "Reading the policy of the log bucket", environment, lambda client: _live(client, environment.log_bucket.name)
    )
    return ObservedPolicy(exists=False) if live is None else compare(reviewed, live)


def compare(reviewed: Sequence[_Statement], live: Sequence[_Statement]) -> ObservedPolicy:
    """Compare the reviewed statements with those of a live policy, and ignore all others in the live policy.

    A statement with the reviewed content matches under any Sid, because the bucket's owner may rename it.
    """
    contents = [_parts(statement) for statement in live]
    by_sid = {statement.get("Sid"): parts for statement, parts in zip(live, contents, strict=True)}
    missing, changed = [], []
    for statement in reviewed:
        sid, parts = statement["Sid"], _parts(statement)
        if parts in contents:
            continue
        other = by_sid.get(sid)
        if other is None:
            missing.append(sid)
        else:
            differing = sorted(name for name in parts | other if parts.get(name) != other.get(name))
            changed.append((sid, tuple(differing)))
    sids = tuple(statement["Sid"] for statement in reviewed)
    return ObservedPolicy(reviewed=sids, missing=tuple(missing), changed=tuple(changed))


def _live(client: Clients, bucket: str) -> list[_Statement] | None:
    """Return the statements of the bucket's policy: an empty list without a policy, None without a bucket."""
    try:
        statements = json.loads(client("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucketPolicy":
            return []
        if code == "NoSuchBucket":
            return None
        raise
    return [statements] if isinstance(statements, dict) else statements


def _parts(statement: _Statement) -> dict[str, Any]:
    """Return a statement's elements without the Sid, normalized: lists sorted, condition keys in lower case."""
    parts = {name: value for name, value in statement.items() if name != "Sid"}
    normalized: dict[str, Any] = {name: _values(value) for name, value in parts.items() if not isinstance(value, dict)}
    if "Principal" in parts:
        principal = parts["Principal"] if isinstance(parts["Principal"], dict) else {"AWS": parts["Principal"]}
        normalized["Principal"] = {kind: _values(names) for kind, names in principal.items()}
    if parts.get("Condition"):
        normalized["Condition"] = {
            operator: {key.lower(): _values(value) for key, value in keys.items()}
            for operator, keys in parts["Condition"].items()
        }
    return normalized


def _values(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return sorted(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
