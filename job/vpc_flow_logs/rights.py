"""Calls to AWS that try a right, with the credentials that boto3 finds: on a cluster, the instance profile's.

The only module of the job that uses boto3, which the Databricks runtime has, and imports it when it is called.
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

NO_BOTO3 = "cannot be tried here: boto3 is not installed"

# A private network without a way to the service answers nothing at all: do not wait for long.
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
"""What a caller with the right is answered about a queue or a topic that does not exist."""
_EMPTY_FILE = ("InvalidRange",)
_AWS_SAYS = re.compile(
    r"is not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<where>arn:[^\s\"]+))?"
)
_BECAUSE = re.compile(r"(?:because|with) (?P<reason>(?:no|an|a) [^.]*)")

_ALLOW = (
    "Allow what is denied in the policies of the role in the instance profile; where they allow it, an explicit deny, "
    "a service control policy or a VPC endpoint's policy is in the way"
)


def client(service: str, *, region: str) -> Any:
    """Return boto3's client for a service, which does not wait long for an answer.

    Raises:
        ImportError: boto3 is not installed.
    """
    import boto3  # noqa: PLC0415 - not everywhere; the Databricks runtime has it
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    session = Session()
    # A private network has a way to the region's endpoint, and none to the global one.
    session.set_config_variable("sts_regional_endpoints", "regional")
    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    limits = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries=retries)
    return boto3.session.Session(botocore_session=session).client(service, region_name=region, config=limits)


class Calls:
    """Calls to one AWS service, each a `Trial`; once the service cannot be reached, no more are made."""

    def __init__(self, service: str, *, region: str) -> None:
        self.client: Any = client(service, region=region)
        self._service, self._region = service, region
        self._hopeless: Trial | None = None

    def trial(self, action: str, where: str, call: Callable[[], Any], *, granted: Sequence[str] = ()) -> Trial:
        """Make a call; return what came of it. ``granted`` are errors that only a caller with the right is given."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        if self._hopeless is not None:
            return self._of_hopeless(action, where)
        try:
            call()
        except ClientError as error:
            told = error.response.get("Error", {})
            if told.get("Code") in granted:
                return Trial("ok", action, where)
            return _judged(action, where, code=str(told.get("Code", "")), text=str(told.get("Message", "")))
        except BotoCoreError as error:
            self._hopeless = self._unmade(error)
            return self._of_hopeless(action, where)
        return Trial("ok", action, where)

    def _of_hopeless(self, action: str, where: str) -> Trial:
        first = self._hopeless
        assert first is not None
        return Trial(first.state, action, where, first.words, first.next_step)

    def _unmade(self, error: Exception) -> Trial:
        """Judge a call that got no answer."""
        kind = type(error).__name__
        if "Credential" in kind:
            return Trial("untried", "", "", f"cannot be tried here: {str(error).rstrip('.')}")
        if not re.search("Connect|Timeout|SSL|Proxy|HTTPClient", kind):
            return Trial("untried", "", "", f"cannot be tried here: {kind}: {error}")
        host = re.sub(r"^https?://", "", self.client.meta.endpoint_url)
        return Trial("missing", "", "", f"{host} cannot be reached from here ({kind})", self._network_advice())

    def _network_advice(self) -> str:
        if self._service == "s3":
            return "Give the cluster's subnets a gateway endpoint for S3, or a way to the internet"
        return (
            f"Give the cluster's VPC an interface endpoint com.amazonaws.{self._region}.{self._service} with private "
            "DNS, or its subnets a NAT gateway; without either, set job.notifications to off"
        )


def logs(parameters: Parameters) -> list[Trial]:
    """Try to list the VPC Logs Path and to read one file of it, in S3's own words.

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
    """Judge a call that AWS refused."""
    if code in _DENIED:
        named = _AWS_SAYS.search(text)  # of an encrypted object it is the key's action
        if named and named["action"].partition(":")[0] != action.partition(":")[0]:
            action, where = named["action"], named["where"] or where
        reason = _BECAUSE.search(text)
        why = re.sub(r"allows the \S+ action", "allows it", reason["reason"]) if reason else code
        return Trial("missing", action, where, f"denied ({why})", _ALLOW)
    if code in _CREDENTIALS:
        return Trial("untried", action, where, f"cannot be tried here: the credentials are not accepted ({code})")
    if code in _NO_BUCKET:
        return Trial("missing", action, where, "there is no such bucket", "Check log_bucket.name, and deploy it first")
    if code in ABSENT:
        return Trial("missing", action, where, "there is no such queue", "Check --queue-url; the stack makes the queue")
    return Trial("missing", action, where, f"{code}: {text}", "Fix what AWS says")


def account_of(region: str) -> str | None:
    """Return the account of the credentials; everybody may ask for it, where the network leads there."""
    calls, found = Calls("sts", region=region), [""]

    def ask() -> None:
        found[0] = calls.client.get_caller_identity()["Account"]

    calls.trial("sts:GetCallerIdentity", "*", ask)
    return found[0] or None


def partition(region: str) -> str:
    """Return the part of AWS that a region belongs to, as ARNs name it."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
