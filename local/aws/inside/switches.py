"""Switches for behavior of AWS where its documentation and reports from the field disagree."""

from __future__ import annotations

from local.aws.inside.errors import RequestRejected

ATTACH_BUCKET_POLICY = "attach-bucket-policy"
"""Creating a flow log replaces the bucket's policy with one from AWS, if the bucket is in the creator's account.

AWS documents this for a creator that "has PutBucketPolicy and GetBucketPolicy permissions". Off by default.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

DELIVER_WITH_ACL = "deliver-with-acl"
"""Log delivery sends the ACL ``bucket-owner-full-control`` with each object, as AWS documents. On by default.

If off, it sends no ACL, as reported for buckets with ACLs disabled. A condition on this ACL then denies delivery.
Source: https://github.com/cloudposse/terraform-aws-vpc-flow-logs-s3-bucket/pull/101
"""

_on = {ATTACH_BUCKET_POLICY: False, DELIVER_WITH_ACL: True}


def is_on(name: str) -> bool:
    """Return whether a switch is on."""
    return _on[name]


def turn(name: str, *, on: bool) -> bool:
    """Turn a switch on or off, and return whether it was on.

    Raises:
        RequestRejected: the switch is unknown.
    """
    if name not in _on:
        raise RequestRejected(f"{name}: unknown switch; valid switches are {', '.join(_on)}")
    before, _on[name] = _on[name], on
    return before
