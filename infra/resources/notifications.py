"""How the job learns of new files when the stack sees to it: bucket to topic to queue, as Auto Loader does it."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IDependable

from infra.iam import Policy

RETENTION = Duration.days(14)
"""The longest that SQS keeps a message: so long the job may stand still."""

MAX_RECEIVES = 100
"""A restarting job takes its messages again; what comes back this often will never be read. The daily listing
(``cloudFiles.backfillInterval``) still finds the file."""


class Notifications(Construct):
    """A topic that the bucket publishes to and a queue that the job reads.

    With ``kms_key_arn`` both are encrypted with that key. Without, the queue has SSE-SQS and the topic none: S3 cannot
    publish to a topic that is encrypted with the key that AWS manages for SNS.

    Attributes:
        topic: the topic.
        topic_policy: its policy.
        queue: the queue; its ``ref`` is the queue's URL.
        dead_letters: the queue for messages that could not be taken.
        ready: what has to be there before a bucket may publish: all policies and the subscription.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic_name: str,
        queue_name: str,
        dead_letters_name: str,
        kms_key_arn: str | None,
        topic_policy: Policy,
        queue_policy: Policy,
        dead_letters_policy: Policy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.CfnTopic(self, "Topic", topic_name=topic_name, kms_master_key_id=kms_key_arn)
        self.topic_policy = sns.CfnTopicPolicy(
            self, "TopicPolicy", topics=[self.topic.ref], policy_document=topic_policy.document
        )
        self.dead_letters = _queue(self, "DeadLetters", dead_letters_name, kms_key_arn)
        self.queue = _queue(self, "Queue", queue_name, kms_key_arn, dead_letters=self.dead_letters)
        listening = sqs.CfnQueuePolicy(
            self, "QueuePolicy", queues=[self.queue.ref], policy_document=queue_policy.document
        )
        sqs.CfnQueuePolicy(
            self, "DeadLettersPolicy", queues=[self.dead_letters.ref], policy_document=dead_letters_policy.document
        )
        # The notification as SNS wraps it (not raw), which is the form that Auto Loader's own queues have.
        subscription = sns.CfnSubscription(
            self, "Subscription", topic_arn=self.topic.ref, protocol="sqs", endpoint=self.queue.attr_arn
        )
        self.ready: list[IDependable] = [self.topic_policy, listening, subscription]


def _queue(
    scope: Construct,
    construct_id: str,
    name: str,
    kms_key_arn: str | None,
    *,
    dead_letters: sqs.CfnQueue | None = None,
) -> sqs.CfnQueue:
    redrive = (
        None
        if dead_letters is None
        else {
            "deadLetterTargetArn": dead_letters.attr_arn,
            "maxReceiveCount": MAX_RECEIVES,
        }
    )
    return sqs.CfnQueue(
        scope,
        construct_id,
        queue_name=name,
        message_retention_period=RETENTION.to_seconds(),
        kms_master_key_id=kms_key_arn,
        sqs_managed_sse_enabled=True if kms_key_arn is None else None,
        redrive_policy=redrive,
    )
