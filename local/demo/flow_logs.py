"""The three flow logs of the demo: what they record, and the format of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from local.flow_log_files import FlowLog
from local.network import Network
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT


@dataclass(frozen=True)
class Recorded:
    """A flow log with a few words on it, its share of all records, and how many files it has every five minutes."""

    log: FlowLog
    what: str
    format: str
    share: float
    files: int


def flow_logs(network: Network, seed: int) -> tuple[Recorded, ...]:
    """The flow logs of a VPC, of one of its subnets, and of a transit gateway.

    Three formats, two kinds of file and two layouts of keys, all under one VPC Logs Path.
    """
    subnet = next(endpoint.facts["subnet-id"] for endpoint in network.endpoints if "subnet-id" in endpoint.facts)
    # The console writes custom formats in alphabetical order: nothing stands where a reader by position expects it.
    alphabetical = tuple(sorted(field.name for field in FIELDS if field.version <= 5))

    def recorded(log: FlowLog, what: str, format_: str, share: float, files: int = 1) -> Recorded:
        return Recorded(log, f"{what} {log.target_id}", f"{len(log.fields)} fields, {format_}", share, files)

    return (
        recorded(
            FlowLog(
                _id(seed, "vpc"), network.account, network.region, DEFAULT_FORMAT, target_id=network.vpc_id
            ),
            "VPC", "default format, text", 0.5, files=2,
        ),
        recorded(
            FlowLog(
                _id(seed, "subnet"), network.account, network.region, alphabetical,
                hourly_partitions=True, aggregation_seconds=60, target_kind="Subnet", target_id=subnet,
            ),
            "subnet", "version 5 in another order, text", 0.3,
        ),
        recorded(
            FlowLog(
                _id(seed, "tgw"), network.account, network.region, TGW_DEFAULT_FORMAT, file_format="parquet",
                hive_partitions=True, hourly_partitions=True, aggregation_seconds=60,
                target_kind="TransitGateway", target_id=network.transit_gateway_id,
            ),
            "transit gateway", "default format, Parquet", 0.2,
        ),
    )  # fmt: skip


def headers(recorded: tuple[Recorded, ...]) -> tuple[str, ...]:
    """All fields that the flow logs have, in the order of AWS's tables: the Headers parameter."""
    names = {name for one in recorded for name in one.log.fields}
    return tuple(field.name for field in FIELDS if field.name in names)


def _id(seed: int, which: str) -> str:
    return f"fl-0{hashlib.sha256(f'demo {seed} {which}'.encode()).hexdigest()[:16]}"
