"""Compare the log bucket's policy with the one that was reviewed.

AWS attaches a policy of its own when somebody who may put bucket policies creates a flow log, and that one "overwrites
any existing policy attached to the bucket". CloudFormation does not notice.
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
from infra.smoke.aws import Clients, looking

_Statement = Mapping[str, Any]


@dataclass(frozen=True)
class PolicySeen:
    """How the bucket's policy differs from ours.

    Attributes:
        exists: whether the bucket exists.
        ours: the Sids of our statements.
        missing: those of them that the policy does not have.
        changed: those that it has with other content, each with the parts that differ.
    """

    exists: bool = True
    ours: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[tuple[str, tuple[str, ...]], ...] = ()


def look(environment: Environment) -> PolicySeen:
    """Read the bucket's policy and compare it.

    Raises:
        DeploymentError: AWS refuses it.
    """
    ours = json.loads(json.dumps(policies.bucket_policy(environment).document))["Statement"]
    live = looking(
        "Reading the policy of the log bucket", environment, lambda client: _live(client, environment.log_bucket.name)
    )
    return PolicySeen(exists=False) if live is None else compare(ours, live)


def compare(ours: Sequence[_Statement], live: Sequence[_Statement]) -> PolicySeen:
    """Compare our statements with those of a live policy. Other statements are not looked at.

    A statement with our content under another Sid is ours: an owner who adds it by hand may rename it.
    """
    contents = [_parts(each) for each in live]
    by_sid = {each.get("Sid"): parts for each, parts in zip(live, contents, strict=True)}
    missing, changed = [], []
    for statement in ours:
        sid, parts = statement["Sid"], _parts(statement)
        if parts in contents:
            continue
        found = by_sid.get(sid)
        if found is None:
            missing.append(sid)
        else:
            differing = sorted(name for name in parts | found if parts.get(name) != found.get(name))
            changed.append((sid, tuple(differing)))
    return PolicySeen(ours=tuple(each["Sid"] for each in ours), missing=tuple(missing), changed=tuple(changed))


def _live(client: Clients, bucket: str) -> list[_Statement] | None:
    """Return the statements of the bucket's policy, none if it has no policy; None if there is no bucket."""
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
    """Return a statement without its Sid, in one spelling: lists sorted, condition keys in lower case."""
    parts = {name: value for name, value in statement.items() if name != "Sid"}
    spelled: dict[str, Any] = {name: _values(value) for name, value in parts.items() if not isinstance(value, dict)}
    if "Principal" in parts:
        principal = parts["Principal"] if isinstance(parts["Principal"], dict) else {"AWS": parts["Principal"]}
        spelled["Principal"] = {kind: _values(names) for kind, names in principal.items()}
    if parts.get("Condition"):
        spelled["Condition"] = {
            operator: {key.lower(): _values(value) for key, value in keys.items()}
            for operator, keys in parts["Condition"].items()
        }
    return spelled


def _values(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return sorted(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
