"""Permissions of the reader role: run on a cluster, read delivered logs, and write to the job's folders.

These are the guide's steps 2 and 5 (instance profile, PassRole) with fewer permissions: the guide lets the role write
and delete in the whole bucket.
Source: https://docs.databricks.com/aws/en/connect/storage/tutorial-s3-instance-profile
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.environment import partitions
from infra.iam.statement import Statement, service

WRITE_ACTIONS = ("s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl")
"""The three write actions of the guide, here only for the folders that the job writes to."""


def trust() -> tuple[Statement, ...]:
    """Return the trust policy of the reader role."""
    return (
        Statement(
            sid="ClusterInstances",
            reason="A cluster's instances get the role through the instance profile",
            principals=service("ec2"),
            actions=("sts:AssumeRole",),
        ),
    )


def read_logs(*, bucket_arn: str, logs_prefix: str) -> tuple[Statement, ...]:
    """Return the permissions to list and read everything that AWS delivers to the bucket."""
    return (
        Statement(
            sid="FindLogs",
            reason="The job lists delivered files. This shows the names of all keys in the bucket, but no contents. A "
            "condition on the prefix would deny HeadBucket, which S3 clients call first",
            actions=("s3:GetBucketLocation", "s3:ListBucket"),
            resources=(bucket_arn,),
        ),
        Statement(
            sid="ReadLogs",
            # Not `AWSLogs/*/vpcflowlogs/*`: S3 clients request the folders above it, and must get "not found" for them
            # rather than "access denied".
            reason="The job reads delivered files. If other AWS services deliver to the same bucket, this includes "
            "their files, but nothing else in the bucket",
            actions=("s3:GetObject",),
            resources=(f"{bucket_arn}/{logs_prefix}*",),
            wildcard="All delivered files; AWS chooses their names",
        ),
    )


def write_outputs(*, folder_arns: Sequence[str], other_bucket_arns: Sequence[str]) -> tuple[Statement, ...]:
    """Return the permissions to read and write the job's S3 folders, and to list their buckets; empty without folders.

    Args:
        folder_arns: The ARNs of all folders.
        other_bucket_arns: The ARNs of the buckets other than the log bucket.
    """
    if not folder_arns:
        return ()
    write = Statement(
        sid="WriteOutputs",
        reason="The streaming job reads and writes its table, quarantine table and checkpoint here. The maintenance "
        "job writes the hourly roll-up, rewrites small data files, and deletes the data files of expired rows. The "
        "actions are those that Databricks documents. The logs are in other folders",
        actions=("s3:GetObject", *WRITE_ACTIONS),
        resources=tuple(f"{arn}/*" for arn in folder_arns),
        wildcard="All files of a table or checkpoint; Delta Lake and Spark choose their names",
    )
    folders = Statement(
        sid="FindOutputFolders",
        reason='S3 clients request the folder itself before its files, and must get "not found" rather than "access '
        'denied". A folder is not an object, so this reads no file',
        actions=("s3:GetObject",),
        resources=tuple(folder_arns),
    )
    if not other_bucket_arns:
        return (folders, write)
    find = Statement(
        sid="FindOutputs",
        reason="Delta Lake lists its log to find the newest version. This shows the names of keys, but no contents",
        actions=("s3:GetBucketLocation", "s3:ListBucket"),
        resources=tuple(other_bucket_arns),
    )
    return (find, folders, write)


def pass_role(*, role_arn: str, region: str) -> tuple[Statement, ...]:
    """Return the permission that the stack adds to the cross-account role.

    In partitions with their own domain, EC2 has two service names, and AWS's managed policies list both.
    """
    ec2 = tuple(sorted({f"ec2.{suffix}" for suffix in ("amazonaws.com", partitions.of(region).dns_suffix)}))
    return (
        Statement(
            sid="PassFlowLogReader",
            reason="Databricks launches clusters with the instance profile; it may pass only this role, only to EC2",
            actions=("iam:PassRole",),
            resources=(role_arn,),
            conditions={"StringEquals": {"iam:PassedToService": ec2}},
        ),
    )
