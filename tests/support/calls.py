"""The calls that Auto Loader, the job and the registration function make, by the IAM action that each requires."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.support.ministack import ACCOUNT, REGION, Credentials, Emulator

BUCKET = "flow-logs-bucket"
LOG = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2026/11/23/a.log.gz"
OUTPUT = "checkpoints/flow_logs/offsets/0"
SECRET = "databricks/test"


class Caller:
    """Clients with one set of credentials, and a topic and a queue of one name; root creates what a call requires."""

    def __init__(self, stage: Emulator, credentials: Credentials, *, name: str) -> None:
        self.stage = stage
        self.name = name
        self.s3, self.sns, self.sqs = (stage.client(service, credentials) for service in ("s3", "sns", "sqs"))
        self.secrets, self.logs = (stage.client(service, credentials) for service in ("secretsmanager", "logs"))
        self.iam = stage.client("iam", credentials)
        self.topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"

    @property
    def queue(self) -> str:
        """Return the URL of the queue."""
        return str(self.stage.client("sqs").get_queue_url(QueueName=self.name)["QueueUrl"])

    def prepare(self) -> None:
        """Create bucket, objects, topic and queue as root, unless they exist."""
        s3, sns, sqs = (self.stage.client(service) for service in ("s3", "sns", "sqs"))
        with suppress(ClientError):
            s3.create_bucket(Bucket=BUCKET)
        for key in (LOG, OUTPUT, "other/a"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
        sns.create_topic(Name=self.name)
        sqs.create_queue(QueueName=self.name)
        sqs.send_message(QueueUrl=self.queue, MessageBody="x")

    def subscription(self) -> str:
        """Subscribe the queue to the topic as root; return the ARN of the subscription."""
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        sns = self.stage.client("sns")
        return str(
            sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)[
                "SubscriptionArn"
            ]
        )

    def message(self) -> str:
        """Send and receive a message as root; return its receipt handle."""
        sqs = self.stage.client("sqs")
        sqs.send_message(QueueUrl=self.queue, MessageBody="x")
        return str(sqs.receive_message(QueueUrl=self.queue, VisibilityTimeout=30)["Messages"][0]["ReceiptHandle"])


Call = Callable[[Caller], Any]


def _notify(caller: Caller) -> Any:
    configuration = {"TopicConfigurations": [{"TopicArn": caller.topic, "Events": ["s3:ObjectCreated:*"]}]}
    policy = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}
    caller.stage.client("sns").set_topic_attributes(
        TopicArn=caller.topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    return caller.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)


CALLS: dict[str, Call] = {
    "s3:GetBucketLocation": lambda c: c.s3.get_bucket_location(Bucket=BUCKET),
    "s3:ListBucket": lambda c: c.s3.list_objects_v2(Bucket=BUCKET, Prefix="AWSLogs/"),
    "s3:GetObject": lambda c: c.s3.get_object(Bucket=BUCKET, Key=LOG),
    "s3:PutObject": lambda c: c.s3.put_object(Bucket=BUCKET, Key=OUTPUT, Body=b"y"),
    "s3:DeleteObject": lambda c: c.s3.delete_object(Bucket=BUCKET, Key=OUTPUT),
    "s3:PutObjectAcl": lambda c: c.s3.put_object_acl(Bucket=BUCKET, Key=OUTPUT, ACL="bucket-owner-full-control"),
    "s3:GetBucketNotification": lambda c: c.s3.get_bucket_notification_configuration(Bucket=BUCKET),
    "s3:PutBucketNotification": _notify,
    "sns:CreateTopic": lambda c: c.sns.create_topic(Name=c.name),
    "sns:GetTopicAttributes": lambda c: c.sns.get_topic_attributes(TopicArn=c.topic),
    "sns:SetTopicAttributes": lambda c: c.sns.set_topic_attributes(
        TopicArn=c.topic, AttributeName="DisplayName", AttributeValue="x"
    ),
    "sns:ListSubscriptionsByTopic": lambda c: c.sns.list_subscriptions_by_topic(TopicArn=c.topic),
    "sns:Publish": lambda c: c.sns.publish(TopicArn=c.topic, Message="x"),
    "sns:Subscribe": lambda c: c.sns.subscribe(
        TopicArn=c.topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{c.name}"
    ),
    "sns:TagResource": lambda c: c.sns.tag_resource(
        ResourceArn=c.topic, Tags=[{"Key": "vendor", "Value": "Databricks"}]
    ),
    "sns:ListTagsForResource": lambda c: c.sns.list_tags_for_resource(ResourceArn=c.topic),
    "sns:ListTopics": lambda c: c.sns.list_topics(),
    "sns:Unsubscribe": lambda c: c.sns.unsubscribe(SubscriptionArn=c.subscription()),
    "sns:DeleteTopic": lambda c: c.sns.delete_topic(TopicArn=c.topic),
    "sqs:CreateQueue": lambda c: c.sqs.create_queue(QueueName=c.name),
    "sqs:GetQueueUrl": lambda c: c.sqs.get_queue_url(QueueName=c.name),
    "sqs:GetQueueAttributes": lambda c: c.sqs.get_queue_attributes(QueueUrl=c.queue, AttributeNames=["All"]),
    "sqs:SetQueueAttributes": lambda c: c.sqs.set_queue_attributes(
        QueueUrl=c.queue, Attributes={"VisibilityTimeout": "60"}
    ),
    "sqs:SendMessage": lambda c: c.sqs.send_message(QueueUrl=c.queue, MessageBody="x"),
    "sqs:ReceiveMessage": lambda c: c.sqs.receive_message(QueueUrl=c.queue),
    "sqs:DeleteMessage": lambda c: c.sqs.delete_message(QueueUrl=c.queue, ReceiptHandle=c.message()),
    "sqs:ChangeMessageVisibility": lambda c: c.sqs.change_message_visibility(
        QueueUrl=c.queue, ReceiptHandle=c.message(), VisibilityTimeout=1
    ),
    "sqs:TagQueue": lambda c: c.sqs.tag_queue(QueueUrl=c.queue, Tags={"vendor": "Databricks"}),
    "sqs:ListQueueTags": lambda c: c.sqs.list_queue_tags(QueueUrl=c.queue),
    "sqs:ListQueues": lambda c: c.sqs.list_queues(QueueNamePrefix="databricks-auto-ingest-"),
    "sqs:DeleteQueue": lambda c: c.sqs.delete_queue(QueueUrl=c.queue),
    "secretsmanager:GetSecretValue": lambda c: c.secrets.get_secret_value(SecretId=SECRET),
}
"""One call per action, in the order in which a stream makes them."""


FORBIDDEN: dict[str, Call] = {
    "writing a log": lambda c: c.s3.put_object(Bucket=BUCKET, Key=LOG, Body=b"y"),
    "deleting a log": lambda c: c.s3.delete_object(Bucket=BUCKET, Key=LOG),
    "making a log public": lambda c: c.s3.put_object_acl(Bucket=BUCKET, Key=LOG, ACL="public-read"),
    "reading outside the logs": lambda c: c.s3.get_object(Bucket=BUCKET, Key="other/a"),
    "writing outside the output folders": lambda c: c.s3.put_object(Bucket=BUCKET, Key="checkpoints/other", Body=b"y"),
    "reading the bucket policy": lambda c: c.s3.get_bucket_policy(Bucket=BUCKET),
    "changing the bucket policy": lambda c: c.s3.put_bucket_policy(Bucket=BUCKET, Policy='{"Statement": []}'),
    "deleting the bucket policy": lambda c: c.s3.delete_bucket_policy(Bucket=BUCKET),
    "changing the bucket lifecycle": lambda c: c.s3.delete_bucket_lifecycle(Bucket=BUCKET),
    "deleting the bucket": lambda c: c.s3.delete_bucket(Bucket=BUCKET),
    "creating a bucket": lambda c: c.s3.create_bucket(Bucket="another-bucket"),
    "listing buckets": lambda c: c.s3.list_buckets(),
    "creating another topic": lambda c: c.sns.create_topic(Name="other"),
    "publishing to another topic": lambda c: c.sns.publish(TopicArn=f"{c.topic.rpartition(':')[0]}:other", Message="x"),
    "deleting another topic": lambda c: c.sns.delete_topic(TopicArn=f"{c.topic.rpartition(':')[0]}:other"),
    "creating another queue": lambda c: c.sqs.create_queue(QueueName="other"),
    "receiving from another queue": lambda c: c.sqs.receive_message(QueueUrl=c.queue.replace(c.name, "other")),
    "purging the queue": lambda c: c.sqs.purge_queue(QueueUrl=c.queue),
    "creating a user": lambda c: c.iam.create_user(UserName="x"),
    "changing the role": lambda c: c.iam.put_role_policy(RoleName="reader", PolicyName="x", PolicyDocument="{}"),
    "reading a secret": lambda c: c.secrets.get_secret_value(SecretId=SECRET),
}
