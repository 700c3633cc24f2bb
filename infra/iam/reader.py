"""What the reader role may do: be a cluster's role, read delivered logs, write the job's own folders.

The guide's steps 2 and 5 (instance profile, PassRole), narrowed: it let the role write and delete in the whole bucket.
Source: https://docs.databricks.com/aws/en/connect/storage/tutorial-s3-instance-profile
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.environment import partitions
from infra.iam.statement import Statement, service

WRITE_ACTIONS = ("s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl")
"""The guide's three; here only ever for folders that the job writes."""


def trust() -> tuple[Statement, ...]:
    """Who may take on the reader role."""
    return (
        Statement(
            sid="ClusterInstances",
            reason="a cluster's instances get the role through the instance profile",
            principals=service("ec2"),
            actions=("sts:AssumeRole",),
        ),
    )


def read_logs(*, bucket_arn: str, logs_prefix: str) -> tuple[Statement, ...]:
    """Reading of everything that AWS delivers to the bucket."""
    return (
        Statement(
            sid="FindLogs",
            reason="the job lists delivered files; this shows names of keys, in the whole bucket, and no contents (a "
            "condition on the prefix would refuse HeadBucket, which S3 clients begin with)",
            actions=("s3:GetBucketLocation", "s3:ListBucket"),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="ReadLogs",
            # Not `AWSLogs/*/vpcflowlogs/*`: S3 clients ask for the folders above, and would be refused instead of told
            # that there is no such object.
            reason="the job reads delivered files; where other AWS services deliver to the same bucket, this takes in "
            "theirs, and nothing else of the bucket",
            actions=("s3:GetObject",),
            resources=(f"{bucket_arn}/{logs_prefix}*",),
            wildcard="every file that is delivered; their names are AWS's choice",
        ),
    )


def write_outputs(*, folder_arns: Sequence[str], other_bucket_arns: Sequence[str]) -> tuple[Statement, ...]:
    """Reading and writing of the job's own folders in S3, and listing of their buckets; nothing where it has none."""
    if not folder_arns:
        return ()
    write = Statement(
        sid="WriteOutputs",
        reason="the job reads and writes its table, quarantine table and checkpoint here, with the actions that "
        "Databricks documents for it; the logs lie elsewhere",
        actions=("s3:GetObject", *WRITE_ACTIONS),
        resources=tuple(f"{arn}/*" for arn in folder_arns),
        wildcard="the files of a table and of a checkpoint; their names are Delta Lake's and Spark's choice",
    )
    if not other_bucket_arns:
        return (write,)
    find = Statement(
        sid="FindOutputs",
        reason="Delta Lake lists its log to find the newest version; this shows names of keys and no contents",
        actions=("s3:GetBucketLocation", "s3:ListBucket"),
        resources=tuple(other_bucket_arns),
    )
    return (find, write)


def pass_role(*, role_arn: str, region: str) -> tuple[Statement, ...]:
    """What the cross-account role gets beside all that it has.

    In partitions with a domain of their own EC2 has two names, and AWS's managed policies list both.
    """
    ec2 = tuple(sorted({f"ec2.{suffix}" for suffix in ("amazonaws.com", partitions.of(region).dns_suffix)}))
    return (
        Statement(
            sid="PassFlowLogReader",
            reason="Databricks launches clusters with the instance profile: it passes this one role, and to EC2 only",
            actions=("iam:PassRole",),
            resources=(role_arn,),
            conditions={"StringEquals": {"iam:PassedToService": ec2}},
        ),
    )
