"""Evaluate bucket and key policies for AWS's log delivery, ``delivery.logs.amazonaws.com``.

MiniStack does not evaluate policies for services that make calls on their own, so this module calls its evaluator.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_region
from ministack.services import kms, s3

from local.aws.inside.errors import Denied, RequestRejected
from local.aws.inside.scope import scope

SERVICE = "delivery.logs.amazonaws.com"
ACL = "bucket-owner-full-control"
"""The canned ACL of AWS's documentation. Delivery sends it by default; a switch in :mod:`switches` turns it off."""


def check_destination(*, bucket: str, key: str, owner: str, region: str) -> None:
    """Raise an error if EC2 would reject a flow log with this destination.

    Args:
        bucket: the flow log's bucket.
        key: a key in the folder of its files.
        owner: the flow log's account.
        region: the flow log's region.

    Raises:
        RequestRejected: the bucket does not exist, or has a key that log delivery cannot use.
        Denied: the bucket's policy does not allow delivery.
    """
    if not s3._bucket_owner_account(bucket):
        raise RequestRejected(f"LogDestination: {bucket} does not exist")
    key_id = encryption_key(bucket)
    if key_id and not key_id.startswith("arn:"):
        raise RequestRejected(f"LogDestination: {bucket} is undeliverable")
    try:
        check_put(bucket=bucket, key=key, owner=owner, region=region, acl=ACL)
    except Denied as error:
        text = f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission"
        raise Denied(text) from error


def check_put(*, bucket: str, key: str, owner: str, region: str, acl: str | None) -> None:
    """Raise an error if log delivery may not put an object for a flow log of an account and region.

    Log delivery checks the bucket's owner (GetBucketAcl) before it puts the object. The policy of the KMS key is not
    checked when a flow log is created.

    Args:
        bucket: the flow log's bucket.
        key: the object's key.
        owner: the flow log's account.
        region: the flow log's region.
        acl: the canned ACL of the request; None for a request without one.

    Raises:
        Denied: the bucket does not exist, or its policy does not allow the call.
    """
    account = s3._bucket_owner_account(bucket)
    if not account:
        raise Denied(f"bucket {bucket} does not exist")
    policy = s3._bucket_policies.get_scoped(account, None, bucket)
    arn = f"arn:aws:s3:::{bucket}"
    for action, resource, keys in (
        ("s3:GetBucketAcl", arn, {}),
        ("s3:PutObject", f"{arn}/{key}", {"s3:x-amz-acl": acl} if acl else {}),
    ):
        context = _context(action, resource, owner=owner, region=region, keys=keys)
        if evaluate_resource_policy(policy, context, service=SERVICE).decision != "Allow":
            raise Denied(f"the policy of bucket {bucket} does not allow {action} on {resource}")


def check_key(*, bucket: str, owner: str, region: str) -> None:
    """Raise an error if log delivery may not use the bucket's KMS key.

    Raises:
        Denied: the key's policy does not allow it.
    """
    key = encryption_key(bucket)
    if not key:
        return
    parts = key.split(":")
    account = s3._bucket_owner_account(bucket) or owner
    key_account, key_region = (parts[4], parts[3]) if len(parts) > 5 else (account, get_region())
    with scope(account=key_account, region=key_region):
        record = kms._resolve_key(key)
        policy = record.get("Policy") if record else None
    # S3 encrypts a new object with a data key.
    context = _context(
        "kms:GenerateDataKey",
        key,
        owner=owner,
        region=region,
        keys={"kms:viaservice": f"s3.{key_region}.amazonaws.com"},
    )
    if evaluate_resource_policy(policy, context, service=SERVICE).decision != "Allow":
        raise Denied(f"the policy of key {key} does not allow kms:GenerateDataKey")


def encryption_key(bucket: str) -> str | None:
    """Return the KMS key of the bucket's default encryption, as configured; None if there is none."""
    account = s3._bucket_owner_account(bucket)
    text = s3._bucket_encryption.get_scoped(account, None, bucket) if account else None
    if not text:
        return None
    named = {each.tag.rpartition("}")[2]: (each.text or "").strip() for each in ElementTree.fromstring(text).iter()}
    return named.get("KMSMasterKeyID") if named.get("SSEAlgorithm") == "aws:kms" else None


def _context(action: str, resource: str, *, owner: str, region: str, keys: dict[str, Any]) -> EvalContext:
    """Return the context of a call by log delivery for a flow log's owner."""
    source = f"arn:aws:logs:{region}:{owner}:delivery-source:flow-log"
    return EvalContext(
        principal_arn=SERVICE,
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=region,
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context={
            "aws:sourceaccount": owner,
            "aws:sourcearn": source,
            "aws:principalisawsservice": "true",
            "aws:principalservicename": SERVICE,
            **keys,
        },
    )
