"""Calls to AWS that test permissions, with the credentials that boto3 finds: on a cluster, the instance profile's.

This is the only module of the job that uses boto3, and it imports boto3 only when needed. Databricks Runtime
includes boto3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.trial import Trial

NO_BOTO3 = "cannot be tested here: boto3 is not installed"

# In a private network without a route to the service there is no response at all, so keep the timeouts short.
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 4, 8, 2

_DENIED = (
    "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "AuthorizationErrorException",
    "KMSAccessDeniedException", "KMS.AccessDeniedException", "403",
)  # fmt: skip
_CREDENTIALS = (
    "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken",
    "SignatureDoesNotMatch", "UnrecognizedClientException",
)  # fmt: skip
_NO_BUCKET = ("NoSuchBucket", "404")
ABSENT = (
    "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException",
    "ResourceNotFound", "ResourceNotFoundException",
)  # fmt: skip
"""Error codes for a queue or topic that does not exist. AWS returns them only to a caller with the permission."""
_EMPTY_FILE = ("InvalidRange",)
_AWS_DENIAL = re.compile(
    r"is not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<where>arn:[^\s\"]+))?"
)
_BECAUSE = re.compile(r"(?:because|with) (?P<reason>(?:no|an|a) [^.]*)")

_ALLOW = (
    "Allow the denied actions in the policies of the instance profile's role; if they are allowed there, look for an "
    "explicit deny, a service control policy or a VPC endpoint policy that denies them"
)


def client(service: str, *, region: str) -> Any:
    """Return a boto3 client with short timeouts for a service.

    Raises:
        ImportError: boto3 is not installed.
    """
    import boto3  # noqa: PLC0415 - not installed everywhere; Databricks Runtime includes it
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    session = Session()
    # A private network can reach the regional endpoint, but not the global one.
    session.set_config_variable("sts_regional_endpoints", "regional")
    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    limits = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries=retries)
    return boto3.session.Session(botocore_session=session).client(service, region_name=region, config=limits)


class Calls:
    """Calls to one AWS service, each with a `Trial` as its result. If one gets no response, the rest are skipped."""

    def __init__(self, service: str, *, region: str) -> None:
        self.client: Any = client(service, region=region)
        self._service, self._region = service, region
        self._unanswered: Trial | None = None

    def trial(self, action: str, where: str, call: Callable[[], Any], *, granted: Sequence[str] = ()) -> Trial:
        """Make a call and return the result.

        Args:
            action: The IAM action that the call tests.
            where: The ARN or name of the resource.
            call: The call.
            granted: Error codes that only a caller with the permission gets; they count as success.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        if self._unanswered is not None:
            return self._skipped(action, where)
        try:
            call()
        except ClientError as error:
            details = error.response.get("Error", {})
            if details.get("Code") in granted:
                return Trial("ok", action, where)
            return _judged(action, where, code=str(details.get("Code", "")), text=str(details.get("Message", "")))
        except BotoCoreError as error:
            self._unanswered = self._no_response(error)
            return self._skipped(action, where)
        return Trial("ok", action, where)

    def _skipped(self, action: str, where: str) -> Trial:
        first = self._unanswered
        assert first is not None
        return Trial(first.state, action, where, first.reason, first.next_step)

    def _no_response(self, error: Exception) -> Trial:
        """Return the result of a call that got no response."""
        kind = type(error).__name__
        if "Credential" in kind:
            return Trial("untried", "", "", f"cannot be tested here: {str(error).rstrip('.')}")
        if not re.search("Connect|Timeout|SSL|Proxy|HTTPClient", kind):
            return Trial("untried", "", "", f"cannot be tested here: {kind}: {error}")
        host = re.sub(r"^https?://", "", self.client.meta.endpoint_url)
        return Trial("missing", "", "", f"{host} cannot be reached from here ({kind})", self._network_advice())

    def _network_advice(self) -> str:
        if self._service == "s3":
            return "Add a gateway endpoint for S3 to the cluster's subnets, or a route to the internet"
        return (
            f"Add an interface endpoint com.amazonaws.{self._region}.{self._service} with private DNS to the cluster's "
            'VPC, or a NAT gateway for its subnets; otherwise, set job.notifications = "off"'
        )


def logs(parameters: Parameters) -> list[Trial]:
    """Call S3 to test whether the VPC Logs Path can be listed and one of its files can be read.

    Raises:
        ImportError: boto3 is not installed.
    """
    if scheme_of(parameters.vpc_logs_path) != "s3":
        return []
    calls = Calls("s3", region=parameters.region_name)
    bucket = parts(parameters.vpc_logs_path)[0]
    prefix = "/".join(parts(load_path(parameters.vpc_logs_path))[1:]).partition("*")[0]
    keys: list[str] = []

    def find() -> None:
        answer = calls.client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        keys.extend(entry["Key"] for entry in answer.get("Contents", []))

    arn = bucket_arn(bucket, parameters.region_name)
    trials = [calls.trial("s3:ListBucket", arn, find)]
    if keys:
        read = partial(_first_byte, calls.client, bucket, keys[0])
        trials.append(calls.trial("s3:GetObject", f"{arn}/{keys[0]}", read, granted=_EMPTY_FILE))
    return trials


def _first_byte(s3: Any, bucket: str, key: str) -> None:
    s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()


def bucket_arn(bucket: str, region: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{partition(region)}:s3:::{bucket}"


def _judged(action: str, where: str, *, code: str, text: str) -> Trial:
    """Return the result of a call that AWS rejected."""
    if code in _DENIED:
        named = _AWS_DENIAL.search(text)  # for an encrypted object, the message may name an action on the key
        if named and named["action"].partition(":")[0] != action.partition(":")[0]:
            action, where = named["action"], named["where"] or where
        reason = _BECAUSE.search(text)
        why = re.sub(r"allows the \S+ action", "allows it", reason["reason"]) if reason else code
        return Trial("missing", action, where, f"denied ({why})", _ALLOW)
    if code in _CREDENTIALS:
        return Trial("untried", action, where, f"cannot be tested here: AWS rejects the credentials ({code})")
    if code in _NO_BUCKET:
        advice = "Check log_bucket.name; deploy the bucket first"
        return Trial("missing", action, where, "the bucket does not exist", advice)
    if code in ABSENT:
        advice = "Check --queue-url; the stack creates the queue"
        return Trial("missing", action, where, "the queue does not exist", advice)
    return Trial("missing", action, where, f"{code}: {text}", "Fix the problem that AWS reports")


def account_of(region: str) -> str | None:
    """Return the account of the credentials; None if the call fails. The call needs no permission."""
    calls, account = Calls("sts", region=region), [""]

    def ask() -> None:
        account[0] = calls.client.get_caller_identity()["Account"]

    calls.trial("sts:GetCallerIdentity", "*", ask)
    return account[0] or None


def partition(region: str) -> str:
    """Return the AWS partition of a region, as used in ARNs."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
