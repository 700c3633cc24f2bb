"""What is delivered: from which accounts and regions, with which fields, and where the job finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.environment import names
from infra.environment.schema import Environment, FlowLog
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT, canonical

_CATALOGUE = [field.name for field in FIELDS]


@dataclass(frozen=True, order=True)
class Source:
    """An account and region that flow logs are delivered from, and the folder layouts that they use."""

    account: str
    region: str
    plain: bool
    hive: bool


def source_of(environment: Environment, flow_log: FlowLog) -> tuple[str, str]:
    """Account and region of a flow log."""
    return flow_log.account or environment.aws.account, flow_log.region or environment.aws.region


def sources(environment: Environment) -> list[Source]:
    """Every account and region that delivers, in order."""
    layouts: dict[tuple[str, str], set[bool]] = {}
    for flow_log in environment.flow_logs:
        layouts.setdefault(source_of(environment, flow_log), set()).add(flow_log.hive_partitions)
    return sorted(
        Source(account=account, region=region, plain=False in kinds, hive=True in kinds)
        for (account, region), kinds in layouts.items()
    )


def delivered_fields(flow_log: FlowLog) -> tuple[str, ...]:
    """The fields of a flow log's records: those it names, or AWS's default format."""
    return flow_log.fields or (TGW_DEFAULT_FORMAT if flow_log.transit_gateway else DEFAULT_FORMAT)


def own_format(flow_log: FlowLog) -> tuple[str, ...] | None:
    """The fields that a flow log has to be told; None for those that AWS delivers by itself."""
    default = delivered_fields(flow_log.model_copy(update={"fields": None}))
    return None if flow_log.fields == default else flow_log.fields


def traffic(flow_log: FlowLog) -> str | None:
    """The traffic that a flow log records; a transit gateway's is not asked."""
    return None if flow_log.transit_gateway else flow_log.traffic or "ALL"


def aggregation_seconds(flow_log: FlowLog) -> int:
    """The longest interval of one record."""
    return flow_log.aggregation_seconds or (60 if flow_log.transit_gateway else 600)


def headers(environment: Environment) -> tuple[str, ...]:
    """The job's Headers: those of the file, or all fields of the flow logs in the catalogue's order."""
    if environment.job.headers is not None:
        return tuple(canonical(name) for name in environment.job.headers)
    delivered = {name for flow_log in environment.flow_logs for name in delivered_fields(flow_log)}
    return tuple(sorted(delivered, key=_CATALOGUE.index))


def logs_path(environment: Environment) -> str:
    """Return the job's VPC Logs Path: the narrowest one that has the files of all flow logs.

    With Hive folders it is all of ``AWSLogs/``. Auto Loader filters notifications on a path up to its first wildcard;
    a filter with ``=`` in it matches only when it is percent-encoded, and whether Auto Loader does that is not
    documented. AWS's pages also differ on a transit gateway's Hive folder (``service=`` or ``aws-service=``).
    """
    root = f"s3://{environment.log_bucket.name}/{names.logs_prefix(environment)}"
    found = sources(environment)
    if not found or any(source.hive for source in found):
        return f"{root}*"
    account = _only([source.account for source in found])
    region = _only([source.region for source in found])
    return f"{root}{account}/vpcflowlogs/{region}/*"


def _only(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else "*"
