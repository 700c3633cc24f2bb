"""Realistic flow log records of a network, in any format, as columns.

Source of the fields: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from local.traffic.conversations import (
    CLIENT,
    NOBODY,
    SERVER,
    TRANSIT_GATEWAY_TRAFFIC,
    VIA,
    VPC_TRAFFIC,
    Conversation,
    View,
)
from local.traffic.network import Endpoint, Network
from local.traffic.sampling import OK, Flows, Ints, draw, is_ping
from vpc_flow_logs.fields import BY_NAME, FIELDS, canonical

__all__ = ["Endpoint", "Network", "records"]

_STATUSES = ("OK", "NODATA", "SKIPDATA")
_UNCATALOGUED = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", None)

# Fields of the recording interface, which have values even in records without traffic.
_OF_INTERFACE = (
    *("account-id", "interface-id", "interface-type", "vpc-id", "subnet-id", "instance-id", "resource-id"),
    *("az-id", "sublocation-type", "sublocation-id", "tgw-id", "tgw-attachment-id"),
    *(field.name for field in FIELDS if field.name.startswith("ecs-") or "-tag" in field.name),
)
_ALWAYS = {*_OF_INTERFACE, "version", "region", "resource-type", "start", "end", "log-status"}


def records(
    network: Network,
    fields: Sequence[str],
    *,
    start: int,
    seconds: int,
    count: int,
    seed: int,
    aggregation_seconds: int = 60,
    target: str | None = None,
    traffic: str = "ALL",
) -> pa.Table:
    """Return records as a table, with one column per field, under its canonical name; null where AWS writes ``-``.

    Equal arguments give equal records with the same version of numpy.

    Args:
        network: the network with the traffic.
        fields: the fields. Unknown fields are text. Fields of transit gateway flow logs give transit gateway records;
            with fields of VPC flow logs as well, both kinds of records are mixed, each without the other's fields.
        start: the start of the interval, in Unix seconds.
        seconds: the length of the interval. The ``end`` of each record is in the interval, as in a delivered file.
        count: the number of records.
        seed: the seed of the random numbers.
        aggregation_seconds: the ``start`` of a record is less than this time before its ``end``.
        target: the ID of a VPC, subnet, interface, regional NAT gateway, transit gateway or attachment, to return only
            records of its interfaces.
        traffic: ALL, ACCEPT or REJECT.

    >>> network = Network.seeded(1)
    >>> records(network, ["srcaddr", "my-field"], start=1_700_000_000, seconds=300, count=2, seed=1).column_names
    ['srcaddr', 'my-field']
    """
    names = list(dict.fromkeys(canonical(field) for field in fields))
    scopes = {BY_NAME[name].scope for name in names if name in BY_NAME}
    kinds: tuple[Conversation, ...] = TRANSIT_GATEWAY_TRAFFIC if "tgw" in scopes else ()
    if "tgw" not in scopes or "vpc" in scopes:
        kinds += VPC_TRAFFIC
    flows = draw(
        network,
        [kind for kind in kinds if traffic in ("ALL", kind.action)],
        start=start,
        seconds=seconds,
        count=count,
        seed=seed,
        aggregation_seconds=aggregation_seconds,
        target=target,
    )
    version = max((BY_NAME[name].version for name in names if name in BY_NAME), default=2)
    columns = _Columns(flows, version=version, mixed={"vpc", "tgw"} <= scopes)
    return pa.table({name: columns.of(name) for name in names})


def _role(of: Callable[[View], int], reply_of: Callable[[View], int]) -> Callable[[Conversation, bool], int]:
    return lambda kind, reply: reply_of(kind.view) if reply else of(kind.view)


def _is_egress(kind: Conversation, reply: bool) -> bool:
    return kind.view.egress != reply


def _next_hop(kind: Conversation, reply: bool) -> int:
    return kind.view.receiver if _is_egress(kind, reply) else kind.view.sender


_RECORDER = _role(lambda view: view.recorder, lambda view: view.recorder)
_OTHER = {CLIENT: SERVER, SERVER: CLIENT, VIA: NOBODY}
_PAIR = _role(lambda view: _OTHER[view.recorder], lambda view: _OTHER[view.recorder])
_SOURCE = _role(lambda view: view.source, lambda view: view.destination)
_DESTINATION = _role(lambda view: view.destination, lambda view: view.source)
_PACKET_SOURCE = _role(lambda view: view.packet_source, lambda view: view.packet_destination)
_PACKET_DESTINATION = _role(lambda view: view.packet_destination, lambda view: view.packet_source)

# field -> (role of the endpoint, its fact)
_FACTS: dict[str, tuple[Callable[[Conversation, bool], int], str]] = {
    "pkt-src-aws-service": (_PACKET_SOURCE, "aws-service"),
    "pkt-dst-aws-service": (_PACKET_DESTINATION, "aws-service"),
    "tgw-pair-attachment-id": (_PAIR, "tgw-attachment-id"),
    **{name: (_RECORDER, name) for name in _OF_INTERFACE},
    **{
        f"next-hop-{what}": (_next_hop, what)
        for what in ("interface-id", "subnet-id", "az-id", "vpc-id", "interface-type")
    },
    **{
        f"tgw-{side}-{what}": (role, f"tgw-{what}")
        for side, role in (("src", _SOURCE), ("dst", _DESTINATION))
        for what in ("vpc-account-id", "vpc-id", "subnet-id", "eni", "az-id")
    },
    "srcaddr": (_SOURCE, "address"),
    "dstaddr": (_DESTINATION, "address"),
    "pkt-srcaddr": (_PACKET_SOURCE, "address"),
    "pkt-dstaddr": (_PACKET_DESTINATION, "address"),
    "type": (_SOURCE, "type"),
}
_OF_CASE: dict[str, Callable[[Conversation, bool], str | None]] = {
    "action": lambda kind, _: kind.action,
    "reject-reason": lambda kind, _: kind.reject_reason,
    "flow-direction": lambda kind, reply: "egress" if _is_egress(kind, reply) else "ingress",
}
_NUMBER_OF_CASE: dict[str, Callable[[Conversation, bool], int | None]] = {
    "protocol": lambda kind, _: kind.protocol,
    "traffic-path": lambda kind, reply: kind.path if _is_egress(kind, reply) else None,
    "encryption-status": lambda kind, _: kind.encryption,
}


def _port(flows: Flows, *, of_source: bool) -> Ints:
    service_is_source = flows.by_case(lambda _, reply: reply, np.bool_)
    port = np.where(service_is_source == of_source, flows.service_port, flows.client_port)
    return np.asarray(port * flows.by_case(lambda kind, _: not is_ping(kind), np.bool_))


_DRAWN: dict[str, Callable[[Flows], Ints]] = {
    "srcport": lambda flows: _port(flows, of_source=True),
    "dstport": lambda flows: _port(flows, of_source=False),
    "packets": lambda flows: flows.packets,
    "start": lambda flows: flows.start,
    "end": lambda flows: flows.end,
}


class _Columns:
    """The columns of drawn flows, created one field at a time."""

    def __init__(self, flows: Flows, *, version: int, mixed: bool) -> None:
        self.flows = flows
        self.version = version
        self.silent = flows.status != OK
        self.of_gateway = flows.by_case(lambda kind, _: kind in TRANSIT_GATEWAY_TRAFFIC, np.bool_) if mixed else None

    def of(self, name: str) -> pa.Array:
        """Return a field's column, with nulls for records without a value."""
        values, missing = self.values(name)
        if name not in _ALWAYS:
            missing = self.silent if missing is None else missing | self.silent
        scope = BY_NAME[name].scope if name in BY_NAME else "both"
        if self.of_gateway is not None and scope != "both":
            foreign = self.of_gateway if scope == "vpc" else ~self.of_gateway
            missing = foreign if missing is None else missing | foreign
        if isinstance(values, tuple):
            pool, place = values
            return pool.take(pa.array(place, pa.int32(), mask=missing))
        return pa.array(values, pa.int32() if BY_NAME[name].type == "INT" else pa.int64(), mask=missing)

    def values(self, name: str) -> tuple[npt.NDArray[Any] | tuple[pa.StringArray, Ints], npt.NDArray[np.bool_] | None]:
        """Return numbers, or text as (distinct values, index of each record's value); and the mask of missing ones."""
        flows = self.flows
        if name in _FACTS:
            role, what = _FACTS[name]
            # The index of NOBODY is -1, which is invalid in Arrow; the modulo maps it to the last value, which is null.
            return (flows.network.facts_of(what), flows.party(role) % (len(flows.network.endpoints) + 1)), None
        if name in _OF_CASE:
            pool = [_OF_CASE[name](kind, reply) for kind in flows.kinds for reply in (False, True)]
            return (pa.array(pool, pa.string()), flows.case), None
        if name in _NUMBER_OF_CASE:
            of_case = _NUMBER_OF_CASE[name]
            numbers = flows.by_case(lambda *case: -1 if of_case(*case) is None else of_case(*case), np.int32)
            return numbers, numbers < 0
        if name in _DRAWN:
            return _DRAWN[name](flows), None
        if name == "bytes":  # missing in flows that VPC Block Public Access rejected (flow-logs-limitations.html)
            return flows.bytes, flows.by_case(lambda kind, _: kind.reject_reason == "BPA", np.bool_)
        if name == "tcp-flags":
            return flows.tcp_flags, flows.tcp_flags < 0
        if name.startswith("packets-lost-"):
            return flows.packets * flows.by_case(lambda kind, _: name == f"packets-lost-{kind.lost}", np.bool_), None
        nil = np.zeros(len(flows.case), dtype=np.int32)
        if name == "version":
            return nil + self.version, None
        if name == "log-status":
            return (pa.array(_STATUSES), flows.status), None
        if name in ("region", "resource-type"):
            return (pa.array([flows.network.region if name == "region" else "TransitGateway"]), nil), None
        return (pa.array(_UNCATALOGUED), flows.client_port % len(_UNCATALOGUED)), None
