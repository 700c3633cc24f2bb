"""Deliver a flow log's file to its bucket, as AWS does. The flow log's status shows a failure."""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from local.aws import flow_log_properties as rules
from local.aws.inside import delivery_permissions, flow_logs, switches
from local.aws.inside.errors import Denied, RequestRejected
from local.aws.inside.scope import scope

_ERROR = "Access error"


def deliver(flow_log: str, *, key: str, body: bytes) -> dict[str, Any]:
    """Put a file of a flow log into its bucket.

    The object is put on behalf of the bucket's owner, so that S3 sends notifications and keeps versions.

    Returns:
        The bucket, and the error and its reason if delivery failed. DescribeFlowLogs then returns the error, too.

    Raises:
        RequestRejected: the flow log does not exist, or does not deliver to S3.
    """
    place, record = flow_logs.find(flow_log)
    destination = rules.destination(record.get("LogDestination", ""))
    if record["LogDestinationType"] != "s3" or not destination:
        raise RequestRejected(f"The flow log '{flow_log}' does not deliver to S3")
    bucket = destination[0]
    acl = delivery_permissions.ACL if switches.is_on(switches.DELIVER_WITH_ACL) else None
    try:
        delivery_permissions.check_put(bucket=bucket, key=key, owner=place.account, region=place.region, acl=acl)
        delivery_permissions.check_key(bucket=bucket, owner=place.account, region=place.region)
    except Denied as error:
        record |= {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": _ERROR}
        return {"bucket": bucket, "error": _ERROR, "reason": str(error)}
    _put(bucket, key, body, acl=acl)
    record["DeliverLogsStatus"] = "SUCCESS"
    record.pop("DeliverLogsErrorMessage", None)
    return {"bucket": bucket, "error": None}


def _put(bucket: str, key: str, body: bytes, *, acl: str | None) -> None:
    account = s3._bucket_owner_account(bucket)
    headers = {"content-type": "application/octet-stream", **({"x-amz-acl": acl} if acl else {})}
    with scope(account=str(account), region="us-east-1"):
        home = s3.bucket_region(bucket)
    with scope(account=str(account), region=home or "us-east-1"):
        status, _, answer = s3._put_object(bucket, key, body, headers)
    if status != 200:
        raise RuntimeError(f"S3 rejected {bucket}/{key}: {answer.decode()}")
