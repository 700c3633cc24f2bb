"""The bucket policy that AWS attaches when a flow log is created. It replaces the existing policy.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

from __future__ import annotations

import json

from ministack.services import s3

from local.aws.inside.delivery_permissions import ACL, SERVICE
from local.aws.inside.scope import scope


def attach(bucket: str, *, folder: str, owner: str, region: str) -> None:
    """Replace the policy of a bucket if the flow log's owner owns the bucket.

    Args:
        bucket: the flow log's bucket.
        folder: the folder of the flow log's files, without a trailing slash.
        owner: the flow log's account.
        region: the flow log's region.
    """
    if s3._bucket_owner_account(bucket) != owner:
        return
    arn = f"arn:aws:s3:::{bucket}"
    account = {"aws:SourceAccount": owner}
    source = {"aws:SourceArn": f"arn:aws:logs:{region}:{owner}:*"}
    write = {
        "Sid": "AWSLogDeliveryWrite",
        "Action": "s3:PutObject",
        "Resource": f"{arn}/{folder}/*",
        "Condition": {"StringEquals": {**account, "s3:x-amz-acl": ACL}, "ArnLike": source},
    }
    check = {
        "Sid": "AWSLogDeliveryAclCheck",
        "Action": "s3:GetBucketAcl",
        "Resource": arn,
        "Condition": {"StringEquals": account, "ArnLike": source},
    }
    statements = [{"Effect": "Allow", "Principal": {"Service": SERVICE}, **each} for each in (write, check)]
    with scope(account=owner, region=region):
        s3._bucket_policies[bucket] = json.dumps({"Version": "2012-10-17", "Statement": statements})
