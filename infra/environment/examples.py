"""Detect example values that are still in a user's environment file: they belong to no one, or to someone else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.environment.problems import Problem
from infra.environment.schema import Environment
from infra.environment.secrets import shown
from infra.workspace.aws.arn import Arn

ACCOUNTS = frozenset({"111122223333", "444455556666", "777788889999", "999988887777", "123456789012"})
"""Account IDs in the example files here and in the AWS documentation."""

STAGE = "000000000000"
"""Account ID of the embedded stage. AWS has no such account, so the stage's file cannot be deployed anywhere else."""

_IDS = re.compile(
    "(?:vpc|subnet|eni|tgw)-(?:0a1b2c3d4e5f60718|0f1e2d3c4b5a69788|0123456789abcdef0|0a0b0c0d0e0f01020|0102030405060708f)"
)
_NAMES = re.compile(r"example-.*|https://example[.-].*|.*@example\.com")
_UUIDS = re.compile(".*(?:01234567-89ab-cdef-0123-456789abcdef|89abcdef-0123-4567-89ab-cdef01234567)")
_POLICIES = re.compile("(?:0123456789|89)ABCDEF(?:01234567)?", re.IGNORECASE)
_SECRETS = re.compile(".*-(?:AbCdEf|GhIjKl)")
_TARGETS = ("vpc", "subnet", "network_interface", "transit_gateway", "account")


def example_values(environment: Environment) -> list[Problem]:
    """Return a problem for each key that has an example value; none for the embedded stage's file."""
    if environment.aws.account == STAGE:
        return []
    return [
        Problem(key, f"{shown(value)} is an example value. Replace it with your own")
        for key, value in _values(environment)
        if value and _is_example(value)
    ]


def warning(problems: list[Problem]) -> str:
    """Return a one-line warning about all of these problems, for commands that do not deploy."""
    keys = ", ".join(problem.key for problem in problems)
    verb, pronoun = ("has an example value", "it") if len(problems) == 1 else ("have example values", "them")
    return f"{keys} still {verb}; make deploy rejects the file until you replace {pronoun}"


def _values(environment: Environment) -> Iterator[tuple[str, str | None]]:
    yield "aws.account", environment.aws.account
    yield "log_bucket.name", environment.log_bucket.name
    yield "log_bucket.kms_key_arn", environment.log_bucket.kms_key_arn
    for number, flow_log in enumerate(environment.flow_logs, 1):
        for key in _TARGETS:
            yield f"flow_logs[{number}].{key}", getattr(flow_log, key)
    yield "reader.databricks_role_arn", environment.reader.databricks_role_arn
    workspace = environment.workspace
    if workspace:
        yield "workspace.host", workspace.host
        yield "workspace.secret_arn", workspace.secret_arn
        for key in ("users", "service_principals"):
            for number, name in enumerate(getattr(workspace, key), 1):
                yield f"workspace.{key}[{number}]", name
        yield "workspace.warehouse_id", workspace.warehouse_id
        yield "workspace.cluster.policy_id", workspace.cluster.policy_id
    for number, address in enumerate(environment.job.email_on_failure, 1):
        yield f"job.email_on_failure[{number}]", address


def _is_example(value: str) -> bool:
    if value.startswith("arn:"):
        return Arn.parse(value).account in ACCOUNTS or any(pattern.fullmatch(value) for pattern in (_SECRETS, _UUIDS))
    return value in ACCOUNTS or any(pattern.fullmatch(value) for pattern in (_IDS, _NAMES, _UUIDS, _POLICIES))
