"""Use of the customer managed key that encrypts the log bucket and, if the stack creates them, the topic and queue.

Without the first statement of :func:`key_policy`, flow logs are ACTIVE but deliver nothing ("Access error").
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infra.environment import partitions
from infra.environment.deliveries import Source
from infra.iam.statement import Statement, role, service
from infra.workspace.aws.arn import Arn

# AWS documents these actions with wildcards. Here each action is listed.
GENERATE_DATA_KEY = (
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
)
RE_ENCRYPT = ("kms:ReEncryptFrom", "kms:ReEncryptTo")
_DELIVERY = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", *GENERATE_DATA_KEY, *RE_ENCRYPT)

# In a key policy, * means this key. No other resource is allowed there.
_THIS_KEY = ("*",)


def key_use(*, key_arn: str, region: str, writes: bool, queue: bool) -> tuple[Statement, ...]:
    """Return the reader's permissions to use the key, limited to the services that store the encrypted data.

    Args:
        key_arn: The ARN of the key.
        region: The region of the key.
        writes: The job writes to folders in the log bucket.
        queue: The stack's topic and queue use the key.
    """

    def use(sid: str, reason: str, actions: tuple[str, ...], services: tuple[str, ...]) -> Statement:
        through = tuple(f"{name}.{region}.{partitions.of(region).dns_suffix}" for name in services)
        conditions = {"StringEquals": {"kms:ViaService": through}}
        return Statement(sid=sid, reason=reason, actions=actions, resources=(key_arn,), conditions=conditions)

    statements = [use("KeyForLogs", "Delivered logs are encrypted with this key", ("kms:Decrypt",), ("s3",))]
    if writes:
        reason = "The job writes to folders in the log bucket, which is encrypted with this key"
        statements.append(use("KeyForOutputs", reason, ("kms:GenerateDataKey",), ("s3",)))
    if queue:
        reason = "The stack's topic and queue are encrypted with this key"
        statements.append(use("KeyForQueue", reason, ("kms:Decrypt", "kms:GenerateDataKey"), ("sns", "sqs")))
    return tuple(statements)


def key_policy(
    *,
    sources: Sequence[Source],
    uses: Sequence[Statement],
    account: str,
    role_arn: str,
    bucket_arn: str,
    topic_arn: str | None,
) -> tuple[Statement, ...]:
    """Return the statements to add to the key policy, which no stack can edit.

    Args:
        sources: The accounts and regions that deliver flow logs.
        uses: The reader's permissions, from :func:`key_use`.
        account: The account of the reader role.
        role_arn: The ARN of the reader role.
        bucket_arn: The ARN of the log bucket.
        topic_arn: The ARN of the stack's topic; None if the stack creates none.
    """
    reader = tuple(_reader(use, account=account, role_arn=role_arn) for use in uses)
    services = () if topic_arn is None else _notifications(account=account, bucket_arn=bucket_arn, topic_arn=topic_arn)
    return (*(_delivery_use(source) for source in sources), *services, *reader)


def _delivery_use(source: Source) -> Statement:
    return Statement(
        sid=f"AWSLogDelivery{source.account}{source.region.replace('-', '')}",
        reason=f"Flow logs of account {source.account} in {source.region} are encrypted with this key on delivery; AWS "
        "documents these actions for that purpose",
        principals=service("delivery.logs"),
        actions=_DELIVERY,
        resources=_THIS_KEY,
        conditions={
            "StringEquals": {"aws:SourceAccount": (source.account,)},
            "ArnLike": {"aws:SourceArn": (source.arn_pattern,)},
        },
    )


def _notifications(*, account: str, bucket_arn: str, topic_arn: str) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="BucketPublishes",
            reason="S3 publishes to the stack's topic, which is encrypted with this key",
            principals=service("s3"),
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=_THIS_KEY,
            conditions={
                "StringEquals": {"aws:SourceAccount": (account,)},
                "ArnEquals": {"aws:SourceArn": (bucket_arn,)},
            },
        ),
        Statement(
            sid="TopicSends",
            reason="SNS sends to the stack's queue, which is encrypted with this key",
            principals=service("sns"),
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=_THIS_KEY,
            conditions={"ArnEquals": {"aws:SourceArn": (topic_arn,)}},
        ),
    )


def _reader(use: Statement, *, account: str, role_arn: str) -> Statement:
    """Return one of the reader's permissions as a statement of the key policy.

    The principal is the account, with a condition on the role. KMS rejects a principal that does not exist yet; with a
    condition, the policy can be complete before the first deploy.
    """
    root = replace(Arn.parse(role_arn), account=account, resource="root")
    return Statement(
        sid=f"Reader{use.sid}",
        reason=f"{use.reason}. The principal is the account, with a condition on the role, because KMS rejects a role "
        "that does not exist yet",
        principals=role(str(root)),
        actions=use.actions,
        resources=_THIS_KEY,
        conditions={**use.conditions, "ArnEquals": {"aws:PrincipalArn": (role_arn,)}},
    )
