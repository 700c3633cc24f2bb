"""New-file notifications managed by the stack: bucket to topic to queue, in the same form as Auto Loader's own."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IDependable

from infra.iam import Policy

RETENTION = Duration.days(14)
"""Maximum retention of SQS, and so the longest time that the job may be stopped without losing events."""

MAX_RECEIVES = 100
"""Number of receives before a message moves to the dead-letter queue. The limit is high because a job receives its
messages again after a restart. The daily listing (``cloudFiles.backfillInterval``) still finds the files of messages in
the dead-letter queue."""


class Notifications(Construct):
    """A topic that the bucket publishes to, and a queue that the job reads.

    With ``kms_key_arn``, that key encrypts both. Without it, the queue uses SSE-SQS and the topic is not encrypted,
    because S3 cannot publish to a topic that is encrypted with the AWS managed key for SNS.

    Attributes:
        topic: The topic.
        topic_policy: The topic's policy.
        queue: The queue; its ``ref`` is the queue's URL.
        dead_letters: The dead-letter queue.
        ready: Resources that must exist before a bucket may publish: the policies of topic and queue, and the
            subscription.
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
        receiving = sqs.CfnQueuePolicy(
            self, "QueuePolicy", queues=[self.queue.ref], policy_document=queue_policy.document
        )
        sqs.CfnQueuePolicy(
            self, "DeadLettersPolicy", queues=[self.dead_letters.ref], policy_document=dead_letters_policy.document
        )
        # No raw message delivery: Auto Loader's own queues also hold notifications in SNS's envelope.
        subscription = sns.CfnSubscription(
            self, "Subscription", topic_arn=self.topic.ref, protocol="sqs", endpoint=self.queue.attr_arn
        )
        self.ready: list[IDependable] = [self.topic_policy, receiving, subscription]


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
