"""Add a bucket notification to a topic, or remove it. The bucket's others stay."""

import json
import urllib.request
from typing import Any

import boto3

TOPICS = "TopicConfigurations"


def handler(event: dict[str, Any], context: Any) -> None:
    """Respond to CloudFormation, which otherwise waits for an hour."""
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    props = event["ResourceProperties"]
    answer["PhysicalResourceId"] = event.get("PhysicalResourceId") or f"{props['BucketName']} {props['TopicArn']}"
    try:
        if event["RequestType"] == "Delete":
            remove(boto3.client("s3"), props["BucketName"], props["TopicArn"])
        else:
            answer["PhysicalResourceId"] = f"{props['BucketName']} {props['TopicArn']}"
            add(boto3.client("s3"), props["BucketName"], props["TopicArn"], props["Prefix"])
        answer["Status"] = "SUCCESS"
    except Exception as error:  # noqa: BLE001
        answer |= {"Status": "FAILED", "Reason": str(error)[:1000]}
    print(json.dumps({key: answer.get(key) for key in ("Status", "Reason", "PhysicalResourceId")}))
    body = json.dumps(answer).encode()
    # The signature of the URL covers an empty content type.
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()


def add(s3: Any, bucket: str, topic: str, prefix: str) -> None:
    """Replace notifications to this topic, including those to an earlier topic with this name."""
    old, others = read(s3, bucket, topic)
    rules = [{"Name": "prefix", "Value": prefix}]
    own: dict[str, Any] = {"Id": topic.rsplit(":", 1)[-1], "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}
    own["Filter"] = {"Key": {"FilterRules": rules}}
    new = {**old, TOPICS: [*others, own]}
    try:
        put_tested(s3, bucket, new, topic)
    except s3.exceptions.ClientError as error:
        if "overlap" not in str(error):
            raise
        entries = [entry for kind in old.values() for entry in kind if isinstance(entry, dict)]
        arns = sorted({entry[name] for entry in entries for name in entry if name.endswith("Arn")} - {topic})
        raise Exception(
            f"The bucket {bucket} already sends events for new files below {prefix} to another topic, queue or "
            f"function: one of {', '.join(arns)}. S3 allows one notification for the same keys. Remove that "
            f'notification if nothing needs it, or set job.notifications = "off". Then deploy again. S3: {error}'
        ) from None


def put_tested(s3: Any, bucket: str, config: dict[str, Any], topic: str) -> None:
    """Have S3 test the destinations. Ignore other destinations that are gone."""
    try:
        put(s3, bucket, config)
    except s3.exceptions.ClientError as error:
        if "destination" not in str(error) or topic in str(error.response):
            raise
        put(s3, bucket, config, SkipDestinationValidation=True)


def remove(s3: Any, bucket: str, topic: str) -> None:
    """Remove notifications to this topic. Ignore a deleted bucket."""
    try:
        old, others = read(s3, bucket, topic)
    except s3.exceptions.NoSuchBucket:
        return
    if len(others) < len(old.get(TOPICS, [])):
        put(s3, bucket, {**old, TOPICS: others}, SkipDestinationValidation=True)


def read(s3: Any, bucket: str, topic: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the whole configuration, and the notifications to other topics."""
    config = s3.get_bucket_notification_configuration(Bucket=bucket)
    config.pop("ResponseMetadata", None)
    return config, [entry for entry in config.get(TOPICS, []) if entry["TopicArn"] != topic]


def put(s3: Any, bucket: str, config: dict[str, Any], **options: bool) -> None:
    """Write the whole configuration: S3 cannot change a part of it."""
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=config, **options)
