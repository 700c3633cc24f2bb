"""The bucket that flow logs are delivered to, made by the stack."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnDeletionPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct, IDependable

from infra.iam import Policy
from infra.resources.nag import acknowledge


class LogBucket(Construct):
    """A private bucket with a policy; it outlives its stack.

    Attributes:
        bucket: the bucket.
        policy: its policy. Flow logs have to wait for it, or AWS writes one of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        logs_prefix: str,
        retention_days: int | None,
        kms_key_arn: str | None,
        policy: Policy,
        policy_after: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_name=name,
            bucket_encryption=_encryption(kms_key_arn),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
            ),
            lifecycle_configuration=None if retention_days is None else _expiry(logs_prefix, retention_days),
        )
        self.bucket.cfn_options.deletion_policy = CfnDeletionPolicy.RETAIN
        self.bucket.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
        acknowledge(
            self.bucket,
            rule="AwsSolutions-S1",
            reason="who reads objects is told by CloudTrail's data events; access logs would need a second bucket",
        )
        self.policy = s3.CfnBucketPolicy(self, "Policy", bucket=name, policy_document=policy.document)
        self.policy.node.add_dependency(self.bucket, *policy_after)


def _encryption(kms_key_arn: str | None) -> s3.CfnBucket.BucketEncryptionProperty:
    # No bucket key: with one, S3 stops asking KMS for each delivery, and the key's policy loses its hold.
    return s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            s3.CfnBucket.ServerSideEncryptionRuleProperty(
                bucket_key_enabled=None if kms_key_arn is None else False,
                server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm="AES256" if kms_key_arn is None else "aws:kms", kms_master_key_id=kms_key_arn
                ),
            )
        ]
    )


def _expiry(logs_prefix: str, days: int) -> s3.CfnBucket.LifecycleConfigurationProperty:
    """Delivered files expire, and nothing else: tables and checkpoints may lie in the same bucket."""
    rule = s3.CfnBucket.RuleProperty(
        id="DeliveredFlowLogs", prefix=logs_prefix, expiration_in_days=days, status="Enabled"
    )
    return s3.CfnBucket.LifecycleConfigurationProperty(rules=[rule])
