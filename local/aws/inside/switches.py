"""Switches for what AWS does in one of two ways, where its documentation or reports from the field disagree."""

from __future__ import annotations

from local.aws.inside.errors import NotDone

ATTACH_BUCKET_POLICY = "attach-bucket-policy"
"""Creating a flow log replaces the bucket's policy with AWS's own, if the bucket is in the creator's account.

AWS's page says so of a creator who "has PutBucketPolicy and GetBucketPolicy permissions". Off by default.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

DELIVER_WITH_ACL = "deliver-with-acl"
"""Log delivery sends the ACL ``bucket-owner-full-control`` with each object, as AWS's page has it. On by default.

Off: it sends none, as reported for buckets with ACLs disabled. A condition on exactly that ACL then denies it.
Source: https://github.com/cloudposse/terraform-aws-vpc-flow-logs-s3-bucket/pull/101
"""

_on = {ATTACH_BUCKET_POLICY: False, DELIVER_WITH_ACL: True}


def is_on(name: str) -> bool:
    """Return whether a switch is on."""
    return _on[name]


def turn(name: str, *, on: bool) -> bool:
    """Turn a switch on or off, and return whether it was on.

    Raises:
        NotDone: there is no such switch.
    """
    if name not in _on:
        raise NotDone(f"{name}: unknown switch; there are {', '.join(_on)}")
    was, _on[name] = _on[name], on
    return was
