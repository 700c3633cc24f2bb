"""The log bucket policy: TLS only, delivery for each source, and access for the reader.

Sources: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html,
https://github.com/cloudposse/terraform-aws-vpc-flow-logs-s3-bucket/pull/101 (the ACL header with ACLs disabled)
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.environment.deliveries import Source
from infra.iam.reader import read_logs, write_outputs
from infra.iam.statement import Statement, only_tls, role, service

LIMIT = 20_480
"""Maximum size of a bucket policy in S3, in bytes."""


def tls(*, bucket_arn: str) -> tuple[Statement, ...]:
    """Return the statement that denies plain HTTP."""
    return (only_tls(sid="DenyPlainHttp", action="s3:*", resources=(bucket_arn, f"{bucket_arn}/*")),)


def delivery(*, bucket_arn: str, logs_prefix: str, sources: Sequence[Source]) -> tuple[Statement, ...]:
    """Return the permissions that AWS log delivery needs for the flow logs of each source account and region."""
    return tuple(
        statement
        for source in sources
        for statement in _delivery(bucket_arn=bucket_arn, logs_prefix=logs_prefix, source=source)
    )


def _delivery(*, bucket_arn: str, logs_prefix: str, source: Source) -> tuple[Statement, ...]:
    # A Sid can contain only letters and digits.
    suffix = f"{source.account}{source.region.replace('-', '')}"
    folders = [source.account] if source.plain else []
    folders += [f"aws-account-id={source.account}"] if source.hive else []
    condition = {"aws:SourceAccount": (source.account,)}
    arn = {"aws:SourceArn": (source.arn_pattern,)}
    where = f"account {source.account} in {source.region}"
    return (
        Statement(
            sid=f"AWSLogDeliveryWrite{suffix}",
            reason=f"Flow logs of {where} are delivered to that account's folder. AWS documents a condition on the ACL "
            "header. Log delivery may omit the header if ACLs are disabled, and an exact condition would then silently "
            "deny every delivery",
            principals=service("delivery.logs"),
            actions=("s3:PutObject",),
            resources=tuple(f"{bucket_arn}/{logs_prefix}{folder}/*" for folder in folders),
            conditions={
                "StringEquals": condition,
                "StringEqualsIfExists": {"s3:x-amz-acl": ("bucket-owner-full-control",)},
                "ArnLike": arn,
            },
        ),
        Statement(
            sid=f"AWSLogDeliveryAclCheck{suffix}",
            reason=f"Before it delivers flow logs of {where}, AWS checks the owner of the bucket",
            principals=service("delivery.logs"),
            actions=("s3:GetBucketAcl",),
            resources=(bucket_arn,),
            conditions={"StringEquals": condition, "ArnLike": arn},
        ),
    )


def reader(*, bucket_arn: str, logs_prefix: str, folder_arns: Sequence[str], role_arn: str) -> tuple[Statement, ...]:
    """Return the reader's permissions as statements of the bucket policy (the guide's step 3).

    Args:
        bucket_arn: The ARN of the log bucket.
        logs_prefix: The key prefix that AWS delivers to.
        folder_arns: The ARNs of the job's folders in this bucket.
        role_arn: The ARN of the reader role.
    """
    statements = (
        *read_logs(bucket_arn=bucket_arn, logs_prefix=logs_prefix),
        *write_outputs(folder_arns=folder_arns, other_bucket_arns=()),
    )
    return tuple(
        Statement(
            sid=f"Reader{statement.sid}",
            reason=f"The same permission as in the role's policy, granted by the bucket: {statement.reason}",
            principals=role(role_arn),
            actions=statement.actions,
            resources=statement.resources,
        )
        for statement in statements
    )
