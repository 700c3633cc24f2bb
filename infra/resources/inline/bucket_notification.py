"""Set a bucket's notification to a topic, and remove it again; all others of the bucket stay."""

import json
import urllib.request
from typing import Any

import boto3

TOPICS = "TopicConfigurations"


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation in any case: without an answer it waits for an hour."""
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    wanted = event["ResourceProperties"]
    answer["PhysicalResourceId"] = event.get("PhysicalResourceId") or f"{wanted['BucketName']} {wanted['TopicArn']}"
    try:
        if event["RequestType"] == "Delete":
            remove(boto3.client("s3"), wanted["BucketName"], wanted["TopicArn"])
        else:
            answer["PhysicalResourceId"] = f"{wanted['BucketName']} {wanted['TopicArn']}"
            add(boto3.client("s3"), wanted["BucketName"], wanted["TopicArn"], wanted["Prefix"])
        answer["Status"] = "SUCCESS"
    except Exception as error:  # noqa: BLE001
        answer |= {"Status": "FAILED", "Reason": str(error)[:1000]}
    print(json.dumps({key: answer.get(key) for key in ("Status", "Reason", "PhysicalResourceId")}))
    body = json.dumps(answer).encode()
    # The signature of the URL covers an empty content type.
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()


def add(s3: Any, bucket: str, topic: str, prefix: str) -> None:
    """Replace what leads to this topic, also what an earlier topic of the same name left."""
    found, others = read(s3, bucket, topic)
    rules = [{"Name": "prefix", "Value": prefix}]
    own: dict[str, Any] = {"Id": topic.rsplit(":", 1)[-1], "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}
    own["Filter"] = {"Key": {"FilterRules": rules}}
    wanted = {**found, TOPICS: [*others, own]}
    try:
        put_tested(s3, bucket, wanted, topic)
    except s3.exceptions.ClientError as error:
        if "overlap" not in str(error):
            raise
        entries = [entry for kind in found.values() for entry in kind if isinstance(entry, dict)]
        arns = sorted({entry[name] for entry in entries for name in entry if name.endswith("Arn")} - {topic})
        raise Exception(
            f"The bucket {bucket} already reports new files below {prefix} to another topic, queue or function: one of "
            f"{', '.join(arns)}. S3 allows one notification for the same keys. Remove that one from the bucket if "
            f'nothing needs it, or set job.notifications = "off"; then deploy again. S3: {error}'
        ) from None


def put_tested(s3: Any, bucket: str, wanted: dict[str, Any], topic: str) -> None:
    """Have S3 test all destinations; one of others that is gone is no failure."""
    try:
        put(s3, bucket, wanted)
    except s3.exceptions.ClientError as error:
        if "destination" not in str(error) or topic in str(error.response):
            raise
        put(s3, bucket, wanted, SkipDestinationValidation=True)


def remove(s3: Any, bucket: str, topic: str) -> None:
    """Remove what leads to this topic; a bucket that is gone has nothing."""
    try:
        found, others = read(s3, bucket, topic)
    except s3.exceptions.NoSuchBucket:
        return
    if len(others) < len(found.get(TOPICS, [])):
        put(s3, bucket, {**found, TOPICS: others}, SkipDestinationValidation=True)


def read(s3: Any, bucket: str, topic: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the bucket's whole configuration, and its topic notifications that lead elsewhere."""
    found = s3.get_bucket_notification_configuration(Bucket=bucket)
    found.pop("ResponseMetadata", None)
    return found, [entry for entry in found.get(TOPICS, []) if entry["TopicArn"] != topic]


def put(s3: Any, bucket: str, wanted: dict[str, Any], **options: bool) -> None:
    """Write the whole configuration, which is all that S3 takes."""
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted, **options)
