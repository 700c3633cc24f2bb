"""Delivery of flow logs: the source accounts and regions, the fields, and the path that the job reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.environment import names
from infra.environment.schema import Environment, FlowLog
from infra.workspace.aws.arn import Arn
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT, canonical

_CATALOG = [field.name for field in FIELDS]


@dataclass(frozen=True, order=True)
class Source:
    """An account and region that deliver flow logs.

    Attributes:
        account: The account ID.
        region: The region.
        plain: Some of its flow logs use the plain folder layout.
        hive: Some of its flow logs use Hive-compatible folders.
    """

    account: str
    region: str
    plain: bool
    hive: bool

    @property
    def arn_pattern(self) -> str:
        """A pattern that matches the ARNs of its log deliveries."""
        partition = names.partition(self.region)
        return str(Arn(partition=partition, service="logs", region=self.region, account=self.account, resource="*"))


def source_of(environment: Environment, flow_log: FlowLog) -> tuple[str, str]:
    """Return the account and region of a flow log."""
    return flow_log.account or environment.aws.account, flow_log.region or environment.aws.region


def sources(environment: Environment) -> list[Source]:
    """Return every account and region that deliver flow logs, sorted."""
    layouts: dict[tuple[str, str], set[bool]] = {}
    for flow_log in environment.flow_logs:
        layouts.setdefault(source_of(environment, flow_log), set()).add(flow_log.hive_partitions)
    return sorted(
        Source(account=account, region=region, plain=False in kinds, hive=True in kinds)
        for (account, region), kinds in layouts.items()
    )


def delivered_fields(flow_log: FlowLog) -> tuple[str, ...]:
    """Return the fields of a flow log's records: those in the file, or AWS's default format."""
    return flow_log.fields or (TGW_DEFAULT_FORMAT if flow_log.transit_gateway else DEFAULT_FORMAT)


def own_format(flow_log: FlowLog) -> tuple[str, ...] | None:
    """Return the custom format of a flow log, or None if AWS's default format has the same fields."""
    default = delivered_fields(flow_log.model_copy(update={"fields": None}))
    return None if flow_log.fields == default else flow_log.fields


def traffic(flow_log: FlowLog) -> str | None:
    """Return the traffic type of a flow log, or None for a transit gateway, which has none."""
    return None if flow_log.transit_gateway else flow_log.traffic or "ALL"


def aggregation_seconds(flow_log: FlowLog) -> int:
    """Return the maximum aggregation interval of a flow log's records, in seconds."""
    return flow_log.aggregation_seconds or (60 if flow_log.transit_gateway else 600)


def headers(environment: Environment) -> tuple[str, ...]:
    """Return the job's Headers: those in the file, or all fields of the flow logs in catalog order."""
    if environment.job.headers is not None:
        return tuple(canonical(name) for name in environment.job.headers)
    delivered = {name for flow_log in environment.flow_logs for name in delivered_fields(flow_log)}
    return tuple(sorted(delivered, key=_CATALOG.index))


def logs_path(environment: Environment) -> str:
    """Return the job's VPC Logs Path: the narrowest path that covers the files of all flow logs.

    With Hive-compatible folders the path covers all of ``AWSLogs/``. Auto Loader filters notifications on the path up
    to its first wildcard. A filter that contains ``=`` matches only if it is percent-encoded, and Databricks does not
    document whether Auto Loader encodes it. AWS documentation is also inconsistent about the Hive-compatible folder of
    a transit gateway (``service=`` or ``aws-service=``).
    """
    root = f"s3://{environment.log_bucket.name}/{names.logs_prefix(environment)}"
    all_sources = sources(environment)
    if not all_sources or any(source.hive for source in all_sources):
        return f"{root}*"
    account = _only([source.account for source in all_sources])
    region = _only([source.region for source in all_sources])
    return f"{root}{account}/vpcflowlogs/{region}/*"


def _only(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else "*"
