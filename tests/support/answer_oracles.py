"""The expected answers, computed in plain Python from the hand-written records, as the design describes them.

Each function takes the records of a window and returns rows, in any order. The functions share no code with the SQL.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from statistics import median
from typing import Any

import communityid

from tests.support.answer_records import DAY, SINCE, UNTIL, Record

Row = tuple[Any, ...]
Rows = list[Row]

NAT = ("nat_gateway", "regional_nat_gateway")
ADMIN = (20, 21, 22, 23, 135, 139, 445, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 11211, 27017)
NAMES = {
    (6, 22): "ssh", (6, 23): "telnet", (6, 80): "http", (6, 443): "https", (6, 3389): "rdp", (17, 123): "ntp",
    (17, 161): "snmp", (6, 8080): "http alt", (6, 8443): "https alt", (6, 5432): "postgresql",
}  # fmt: skip
PROTOCOLS = {1: "icmp", 47: "gre", 58: "icmp6", 132: "sctp"}


def window(records: Iterable[Record], since: int = SINCE, until: int = UNTIL) -> list[Record]:
    """Return the records with a time in the window."""
    return [r for r in records if since <= (r.number("start") or 0) < until]


def service(protocol: int, port: int) -> str | None:
    """Return the name of a service that occurs in the records."""
    return NAMES.get((protocol, port)) if protocol in (6, 17) else PROTOCOLS.get(protocol)


def accepted(r: Record) -> bool:
    """Return whether a record was not rejected. Transit gateway records have no action."""
    return r.get("action") != "REJECT"


def totals(records: Iterable[Record], *keys: Callable[[Record], Any]) -> dict[Row, tuple[int, int, int]]:
    """Return the number of records, packets and bytes by key. Missing numbers count as 0."""
    sums: dict[Row, list[int]] = defaultdict(lambda: [0, 0, 0])
    for r in records:
        total = sums[tuple(key(r) for key in keys)]
        total[0] += 1
        total[1] += r.number("packets") or 0
        total[2] += r.number("bytes") or 0
    return {key: (counts[0], counts[1], counts[2]) for key, counts in sums.items()}


def text(name: str) -> Callable[[Record], Any]:
    """Return a function for the text of a field."""
    return lambda r: r.get(name)


def number(name: str) -> Callable[[Record], Any]:
    """Return a function for the number in a field."""
    return lambda r: r.number(name)


def flows(records: Iterable[Record], *more: Callable[[Record], Any]) -> Rows:
    """Return the rows of a list of flows: the four keys, the service, further keys, and the totals."""
    keys = (text("srcaddr"), text("dstaddr"), number("dstport"), number("protocol"))
    complete = [r for r in records if None not in [key(r) for key in keys]]
    return [
        (*key[:4], service(key[3], key[2]), *key[4:], *counts) for key, counts in totals(complete, *keys, *more).items()
    ]


def top(records: Iterable[Record], *names: str) -> Rows:
    """Return totals by text fields, for the records that have all these fields and a byte count."""
    complete = [r for r in records if None not in [r.get(name) for name in (*names, "bytes")]]
    return [(*key, *counts) for key, counts in totals(complete, *map(text, names)).items()]


def ip_totals(records: Iterable[Record], version: int) -> Rows:
    """Return the totals of one IP version."""
    chosen = [r for r in records if r.get("bytes") is not None and version_of(r) == version]
    return [totals(chosen).get((), (0, 0, 0))]


def version_of(r: Record) -> int | None:
    """Return the IP version of a record from its type or, without a type, from its address."""
    address = r.get("srcaddr")
    if r.get("type") is None:
        return ipaddress.ip_address(address).version if address else None
    return {"IPv4": 4, "IPv6": 6}.get(r.get("type") or "")


def is_public(address: str | None) -> bool:
    """Return whether an address is public; the documentation ranges count as public."""
    if address is None:
        return False
    ip = ipaddress.ip_address(address)
    documentation = map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
    return ip.is_global or any(ip in network for network in documentation)


def tag(r: Record) -> str | None:
    """Return the first tag of a record."""
    return r.get("instance-tag") or r.get("asg-tag") or r.get("interface-tag")


def nat_gateway_bytes(records: Iterable[Record]) -> Rows:
    """Return the bytes through NAT gateways."""
    chosen = [r for r in records if r.get("next-hop-interface-type") in NAT and accepted(r)]
    keys = (text("flow-direction"), text("instance-id"), tag, remote_service, remote)
    return [(*key, *counts) for key, counts in totals(chosen, *keys).items()]


def remote(r: Record) -> str | None:
    """Return the address behind the NAT gateway."""
    if r.get("flow-direction") == "ingress":
        return r.get("pkt-srcaddr") or r.get("srcaddr")
    return r.get("pkt-dstaddr") or r.get("dstaddr")


def remote_service(r: Record) -> str | None:
    """Return the AWS service behind the NAT gateway."""
    return r.get("pkt-src-aws-service" if r.get("flow-direction") == "ingress" else "pkt-dst-aws-service")


def gateway_endpoint_savings(records: Iterable[Record]) -> Rows:
    """Return the bytes of S3 and DynamoDB through NAT gateways."""
    chosen = [
        r
        for r in records
        if r.get("next-hop-interface-type") in NAT and accepted(r) and remote_service(r) in ("S3", "DYNAMODB")
    ]
    keys = (remote_service, text("vpc-id"), text("subnet-id"), text("flow-direction"))
    return [(*key, *counts) for key, counts in totals(chosen, *keys).items()]


def cross_az_bytes(records: Iterable[Record]) -> Rows:
    """Return the bytes between zones."""
    chosen = [
        r
        for r in records
        if r.get("az-id") and r.get("next-hop-az-id") and r.get("az-id") != r.get("next-hop-az-id") and accepted(r)
    ]
    names = ("az-id", "next-hop-az-id", "subnet-id", "next-hop-subnet-id")
    return [(*key, *counts) for key, counts in totals(chosen, *map(text, names), tag, text("flow-direction")).items()]


def internet_egress(records: Iterable[Record]) -> Rows:
    """Return the bytes to the internet."""
    chosen = [
        r
        for r in records
        if r.get("flow-direction") == "egress"
        and r.number("traffic-path") in (2, 8)
        and r.get("interface-type") not in NAT
        and r.get("next-hop-interface-type") not in (*NAT, "vpc_endpoint")
        and not (r.get("resource-id") or "").startswith("nat-")
        and accepted(r)
    ]
    keys = (text("instance-id"), tag, text("pkt-dst-aws-service"), lambda r: r.get("pkt-dstaddr") or r.get("dstaddr"))
    return [(*key, *counts) for key, counts in totals(chosen, *keys).items()]


def rejected_sources(records: Iterable[Record]) -> list[tuple[str, int, int, list[Record]]]:
    """Return each source of rejected traffic with its numbers of ports, addresses and records."""
    by_source: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        if r.get("action") == "REJECT" and (source := r.get("srcaddr")):
            by_source[source].append(r)
    return [
        (source, len({r.get("dstport") for r in group}), len({r.get("dstaddr") for r in group}), group)
        for source, group in by_source.items()
    ]


def at(seconds: int) -> datetime:
    """Return a time as Spark returns it in UTC, without a zone."""
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def port_scans(records: Iterable[Record], *, min_ports: int = 20, min_addresses: int = 20) -> Rows:
    """Return the sources that tried many ports or addresses."""
    rows: Rows = []
    for source, ports, addresses, group in rejected_sources(records):
        if ports >= min_ports or addresses >= min_addresses:
            times = [r.number("start") or 0 for r in group]
            rows.append((source, ports, addresses, at(min(times)), at(max(times)), *totals(group)[()]))
    return rows


def unusual_uploads(records: Sequence[Record], *, factor: float = 10, min_bytes: int = 10**9) -> Rows:
    """Return the sources whose busiest day exceeds the median of the seven days before by the factor."""
    days: dict[Row, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for r in window(records, SINCE - 7 * DAY):
        direction, source = r.get("flow-direction"), r.get("srcaddr")
        is_egress = direction == "egress" or (direction is None and source is not None and not is_public(source))
        if is_public(r.get("dstaddr")) and is_egress and accepted(r):
            days[source, r.get("dstaddr")][((r.number("start") or 0) - SINCE) // DAY].append(r)
    rows: Rows = []
    for key, by_day in days.items():
        size = {day: totals(group)[()] for day, group in by_day.items()}
        usual = median(size.get(day, (0, 0, 0))[2] for day in range(-7, 0))
        busiest = max((day for day in size if day >= 0), key=lambda day: (size[day][2], -day), default=None)
        if busiest is not None and size[busiest][2] > factor * usual and size[busiest][2] >= min_bytes:
            rows.append((*key, at(SINCE + busiest * DAY), int(usual), *size[busiest]))
    return rows


def community_id(r: Record) -> str:
    """Return the Community ID of a record by the reference implementation."""
    protocol = r.number("protocol") or 0
    ports = (r.number("srcport"), r.number("dstport")) if protocol in (6, 17, 132) else ()
    flow_tuple = communityid.FlowTuple(protocol, r.get("srcaddr"), r.get("dstaddr"), *ports)
    return str(communityid.CommunityID().calc(flow_tuple))


def drops(records: Iterable[Record]) -> Rows:
    """Return the lost packets of each transit gateway attachment."""
    causes = [f"packets-lost-{cause}" for cause in ("no-route", "blackhole", "mtu-exceeded", "ttl-expired")]
    sums: dict[str, list[int]] = {}
    for r in records:
        if (attachment := r.get("tgw-attachment-id")) and any(r.get(cause) for cause in causes):
            row = sums.setdefault(attachment, [0, 0, 0, 0])
            for place, cause in enumerate(causes):
                row[place] += r.number(cause) or 0
    return [(attachment, *counts) for attachment, counts in sums.items()]
