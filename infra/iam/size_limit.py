"""Check the size of the bucket policy: S3 limits it, and it grows with the accounts and regions that deliver."""

from __future__ import annotations

import json
from collections.abc import Iterator

from infra.environment import deliveries
from infra.environment.problems import Problem
from infra.environment.rules import Check
from infra.environment.schema import Environment
from infra.iam import policies
from infra.iam.log_bucket import LIMIT


def _problems(environment: Environment) -> Iterator[Problem]:
    size = len(json.dumps(policies.bucket_policy(environment).document, separators=(",", ":")))
    if size > LIMIT:
        count = len(deliveries.sources(environment))
        yield Problem(
            "flow_logs",
            f"come from {count} combinations of account and region, for which the bucket policy has {size} bytes; S3 "
            f"allows {LIMIT}. Use several buckets, with one environment per bucket",
        )


CHECK = Check(reads=("aws", "log_bucket", "flow_logs", "reader", "job"), find=_problems)
"""The only rule of `infra.config` that needs a policy."""
