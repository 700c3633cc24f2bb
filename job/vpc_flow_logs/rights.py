"""Try what the job will ask of AWS, with the credentials that boto3 finds: on a cluster, the instance profile's.

Nothing is changed. Calls that would change something are made on a queue or a topic that does not exist, with a receipt
handle that no message has, or not at all: AWS refuses a caller without the right before it looks further.
Source of the actions: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/file-notification-mode
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.trial import Trial, merged

AUTO_INGEST = "databricks-auto-ingest-"
"""What the names of all that Auto Loader makes begin with."""

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
_ABSENT = (
    "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound", "NotFoundException",
    "ResourceNotFound", "ResourceNotFoundException",
)  # fmt: skip
"""What a caller with the right is answered about a queue or a topic that does not exist."""
_EMPTY_FILE = ("InvalidRange",)
_INVALID = ("ReceiptHandleIsInvalid", "InvalidParameterValue", "ReadCountOutOfRange")
"""What a caller with the right is answered to a receipt handle or a number that cannot be."""
_AWS_SAYS = re.compile(
    r"is not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<where>arn:[^\s\"]+))?"
)
_BECAUSE = re.compile(r"(?:because|with) (?P<reason>(?:no|an|a) [^.]*)")
_QUEUE_URL = re.compile(r"https://(?:sqs\.(?P<region>[a-z0-9-]+)\.)?[^/]*/(?P<account>[0-9]{12})/(?P<name>[^/]+)")

_ALLOW = (
    "Allow what is denied in the policies of the role in the instance profile; where they do, an explicit deny, a "
    "service control policy or a VPC endpoint's policy is in the way"
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


def notifications(parameters: Parameters) -> list[Trial]:
    """Try what the job's way to learn of new files needs.

    Raises:
        ImportError: boto3 is not installed.
    """
    if scheme_of(parameters.vpc_logs_path) != "s3":
        return []
    if parameters.notifications == "auto-loader":
        return merged(_auto_loader(parameters))
    if parameters.notifications == "queue" and parameters.queue_url:
        return merged(_queue(parameters.queue_url, parameters.region_name))
    return []


def bucket_arn(bucket: str, region: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{_partition(region)}:s3:::{bucket}"


def _auto_loader(parameters: Parameters) -> Iterator[Trial]:
    region, bucket = parameters.region_name, parts(parameters.vpc_logs_path)[0]
    s3, sqs, sns = (Calls(service, region=region) for service in ("s3", "sqs", "sns"))
    arn = bucket_arn(bucket, region)
    get = s3.client.get_bucket_notification_configuration
    yield s3.trial("s3:GetBucketNotification", arn, lambda: get(Bucket=bucket))
    yield sqs.trial("sqs:ListQueues", "*", lambda: sqs.client.list_queues(QueueNamePrefix=AUTO_INGEST))
    yield sns.trial("sns:ListTopics", "*", sns.client.list_topics)
    account = _account(region)
    if account is None:
        yield Trial("untried", "sqs:* and sns:*", f"{AUTO_INGEST}*", "sts:GetCallerIdentity gave no account")
    else:
        # No queue and no topic has this name.
        name = f"{AUTO_INGEST}{uuid4()}"
        yield from _missing_queue(sqs, name, account=account, region=region)
        yield from _missing_topic(sns, name, account=account, region=region)
    makes = "s3:PutBucketNotification, sns:CreateTopic, sqs:CreateQueue"
    yield Trial("untried", makes, f"{bucket} and {AUTO_INGEST}*", "trying these would make something")


def _missing_queue(calls: Calls, name: str, *, account: str, region: str) -> Iterator[Trial]:
    url = f"{calls.client.meta.endpoint_url}/{account}/{name}"
    handle, where = "none", f"arn:{_partition(region)}:sqs:{region}:{account}:{AUTO_INGEST}*"
    sqs = calls.client
    tried: dict[str, Callable[[], Any]] = {
        "sqs:GetQueueUrl": lambda: sqs.get_queue_url(QueueName=name),
        "sqs:GetQueueAttributes": lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        "sqs:SetQueueAttributes": lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"}),
        "sqs:TagQueue": lambda: sqs.tag_queue(QueueUrl=url, Tags={"vendor": "Databricks"}),
        "sqs:ReceiveMessage": lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1),
        "sqs:DeleteMessage": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
    }
    for action, call in tried.items():
        yield calls.trial(action, where, call, granted=_ABSENT)


def _missing_topic(calls: Calls, name: str, *, account: str, region: str) -> Iterator[Trial]:
    of_account = f"arn:{_partition(region)}:sns:{region}:{account}"
    topic, queue = f"{of_account}:{name}", f"{of_account}:{name}".replace(":sns:", ":sqs:", 1)
    sns, tag = calls.client, [{"Key": "vendor", "Value": "Databricks"}]
    tried: dict[str, Callable[[], Any]] = {
        "sns:GetTopicAttributes": lambda: sns.get_topic_attributes(TopicArn=topic),
        "sns:SetTopicAttributes": lambda: sns.set_topic_attributes(
            TopicArn=topic, AttributeName="DisplayName", AttributeValue="none"
        ),
        "sns:ListSubscriptionsByTopic": lambda: sns.list_subscriptions_by_topic(TopicArn=topic),
        "sns:Subscribe": lambda: sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue),
        "sns:TagResource": lambda: sns.tag_resource(ResourceArn=topic, Tags=tag),
    }
    for action, call in tried.items():
        yield calls.trial(action, f"{of_account}:{AUTO_INGEST}*", call, granted=_ABSENT)


def _queue(url: str, region: str) -> Iterator[Trial]:
    found = _QUEUE_URL.fullmatch(url)
    region = (found["region"] if found else None) or region
    name, account = (found["name"], found["account"]) if found else (url.rpartition("/")[2], "")
    calls, where = Calls("sqs", region=region), f"arn:{_partition(region)}:sqs:{region}:{account}:{name}"
    sqs, handle = calls.client, "none"
    # No message has that handle. Eleven at once are more than SQS gives: it refuses, and would they be given, they
    # would be visible again at once.
    tried: dict[str, Callable[[], Any]] = {
        "sqs:GetQueueAttributes": lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        "sqs:ReceiveMessage": lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11, VisibilityTimeout=0),
        "sqs:DeleteMessage": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=handle),
        "sqs:ChangeMessageVisibility": lambda: sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
        ),
    }
    for action, call in tried.items():
        yield calls.trial(action, where, call, granted=_INVALID)


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
    if code in _ABSENT:
        return Trial("missing", action, where, "there is no such queue", "Check --queue-url; the stack makes the queue")
    return Trial("missing", action, where, f"{code}: {text}", "Fix what AWS says")


def _account(region: str) -> str | None:
    """Return the account of the credentials; everybody may ask for it, where the network leads there."""
    calls, found = Calls("sts", region=region), [""]

    def ask() -> None:
        found[0] = calls.client.get_caller_identity()["Account"]

    calls.trial("sts:GetCallerIdentity", "*", ask)
    return found[0] or None


def _partition(region: str) -> str:
    """Return the part of AWS that a region belongs to, as ARNs name it."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
