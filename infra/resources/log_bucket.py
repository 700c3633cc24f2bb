"""The bucket that flow logs are delivered to, if the stack creates it."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnDeletionPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct, IDependable

from infra.iam import Policy
from infra.resources.nag import acknowledge


class LogBucket(Construct):
    """A private bucket with a policy. It stays when the stack is deleted.

    Attributes:
        bucket: The bucket.
        policy: Its policy. Flow logs need a dependency on it, because AWS attaches its own policy if there is none.
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
            reason="CloudTrail data events record object reads; access logs would need a second bucket",
        )
        self.policy = s3.CfnBucketPolicy(self, "Policy", bucket=name, policy_document=policy.document)
        self.policy.node.add_dependency(self.bucket, *policy_after)


def _encryption(kms_key_arn: str | None) -> s3.CfnBucket.BucketEncryptionProperty:
    # No bucket key: with one, S3 does not call KMS for each delivery, and the key policy cannot control deliveries.
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
    """Return a lifecycle rule for delivered files only: the same bucket may hold tables and checkpoints."""
    rule = s3.CfnBucket.RuleProperty(
        id="DeliveredFlowLogs", prefix=logs_prefix, expiration_in_days=days, status="Enabled"
    )
    return s3.CfnBucket.LifecycleConfigurationProperty(rules=[rule])
