"""Hand-written records for the tests of the answers, in every kind of format, and the files that deliver them.

A record names only the fields that matter; the other fields of its format are ``-``. Each kind of format has its own
addresses, so that the answers over all records show which kind a row comes from.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT

DAY = 86_400
SINCE = 1_772_928_000  # 2026-03-08 00:00 UTC
UNTIL = SINCE + DAY
NOON = SINCE + DAY // 2

ODD_VERSION_5 = tuple(sorted((f.name for f in FIELDS if f.scope != "tgw" and f.version <= 5), reverse=True))
"""The fields of versions 2 to 5, in an unusual order."""

EVERY_VPC_FIELD = tuple(field.name for field in FIELDS if field.scope != "tgw")

Value = str | int | None


@dataclass(frozen=True)
class Record:
    """One record: the fields of its format, and the values that it has."""

    format: Sequence[str]
    values: dict[str, Value] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """Return the delivered text of a field; None if the format lacks it or the value is ``-``."""
        value = self.values.get(name) if name in self.format else None
        return None if value is None else str(value)

    def number(self, name: str) -> int | None:
        """Return the value of an integer field."""
        text = self.get(name)
        return None if text is None else int(text)


def record(format_: Sequence[str], **values: Value) -> Record:
    """Return a record; its arguments are field names with ``_`` for ``-``. It has a time, a status and a version."""
    given = {name.replace("_", "-"): value for name, value in values.items()}
    unknown = [name for name in given if name not in format_]
    assert not unknown, unknown
    at = given.pop("start", NOON)
    usual: dict[str, Value] = {"version": 2, "account-id": "012345678901", "log-status": "OK"}
    end = given.pop("end", None if at is None else int(at) + 60)
    return Record(format_, {**usual, "start": at, "end": end, **given})


def flow(format_: Sequence[str], path: str, **values: Value) -> Record:
    """Return a record of a flow, given as ``source:port > destination:port protocol packets/bytes``.

    An address in brackets is an IPv6 address. The action is ACCEPT unless it is given.
    """
    source, _, destination, protocol, size = path.split()
    (srcaddr, srcport), (dstaddr, dstport) = _end(source), _end(destination)
    packets, _, bytes_ = size.partition("/")
    action = {"action": "ACCEPT"} if "action" in format_ else {}
    usual: dict[str, Value] = {
        "srcaddr": srcaddr, "srcport": srcport, "dstaddr": dstaddr, "dstport": dstport,
        "protocol": protocol, "packets": packets, "bytes": bytes_, **action,
    }  # fmt: skip
    return record(format_, **{**usual, **values})


def _end(text: str) -> tuple[str, str]:
    address, _, port = text.rpartition(":")
    return address.strip("[]"), port


def text_file(records: Iterable[Record]) -> bytes:
    """Return the file for records of one format, as AWS delivers it: gzipped, with a header line."""
    rows = list(records)
    lines = [" ".join(rows[0].format), *(" ".join(row.get(name) or "-" for name in row.format) for row in rows)]
    return gzip.compress("\n".join([*lines, ""]).encode())


def parquet_file(records: Iterable[Record]) -> bytes:
    """Return the Parquet file for records of one format: names with ``_``, and null for missing values."""
    rows = list(records)
    types = {"INT": pa.int32(), "BIGINT": pa.int64(), "STRING": pa.string()}
    columns, schema = [], []
    for name in rows[0].format:
        known = BY_NAME[name]
        values = [row.get(name) if known.type == "STRING" else row.number(name) for row in rows]
        columns.append(pa.array(values, types[known.type]))
        schema.append(pa.field(known.column, types[known.type]))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(schema)), out)
    return out.getvalue()


def _default() -> list[Record]:
    d = DEFAULT_FORMAT
    scans = [flow(d, f"198.51.100.66:40000 > 10.1.0.9:{port} 6 1/40", action="REJECT") for port in range(1000, 1025)]
    sweep = [flow(d, f"198.51.100.67:40000 > 10.1.1.{host}:23 6 1/44", action="REJECT") for host in range(1, 22)]
    below = [flow(d, f"198.51.100.68:40000 > 10.1.0.9:{port} 6 1/40", action="REJECT") for port in range(2000, 2019)]
    allowed = [flow(d, f"10.1.0.8:40000 > 10.1.0.9:{port} 6 1/40") for port in range(3000, 3030)]
    return [
        *scans, *sweep, *below, *allowed,
        flow(d, "10.1.0.5:40001 > 10.1.0.9:443 6 10/1000", interface_id="eni-a"),
        flow(d, "10.1.0.9:443 > 10.1.0.5:40001 6 8/5000", interface_id="eni-a", start=NOON + 5),
        flow(d, "10.1.0.5:40001 > 10.1.0.9:443 6 4/300", interface_id="eni-a", start=NOON + 600, end=NOON + 655),
        flow(d, "198.51.100.7:50000 > 10.1.0.9:22 6 3/180", action="REJECT"),
        flow(d, "198.51.100.7:50000 > 10.1.0.9:161 17 1/80", action="REJECT"),
        flow(d, "203.0.113.9:50000 > 10.1.0.9:22 6 20/4249"),
        flow(d, "100.64.3.4:50000 > 10.1.0.9:22 6 2/120"),
        flow(d, "169.254.10.10:50000 > 10.1.0.9:22 6 2/121"),
        flow(d, "10.1.0.7:3389 > 10.1.0.5:51000 6 7/700"),
        flow(d, "10.1.0.6:123 > 10.1.0.7:123 17 1/76"),
        flow(d, "10.1.0.7:123 > 10.1.0.6:123 17 1/77", start=NOON + 1),
        flow(d, "10.1.0.6:0 > 10.1.0.7:0 47 5/500"),
        flow(d, "10.1.0.6:7000 > 10.1.0.7:8000 132 5/501"),
        flow(d, "10.1.0.5:0 > 10.1.0.9:0 1 4/336"),
        flow(d, "[2600:1f18::5]:40002 > [2600:1f18:0:2:8d6e:3477:df66:f105]:443 6 11/1100"),
        flow(d, "[2600:1f18:0:2:8d6e:3477:df66:f105]:443 > [2600:1f18::5]:40002 6 12/1200"),
        flow(d, "[2600:1f18::6]:0 > [2600:1f18::7]:0 58 1/64"),
        flow(d, "10.1.0.5:1 > 10.1.0.9:2 6 1/11", start=SINCE - 1),
        flow(d, "10.1.0.5:1 > 10.1.0.9:3 6 1/12", start=SINCE),
        flow(d, "10.1.0.5:1 > 10.1.0.9:4 6 1/13", start=UNTIL - 1),
        flow(d, "10.1.0.5:1 > 10.1.0.9:5 6 1/14", start=UNTIL),
        record(d, interface_id="eni-a", log_status="NODATA"),
        record(d, interface_id="eni-a", log_status="NODATA", start=NOON + 60),
        record(d, interface_id="eni-b", log_status="SKIPDATA"),
        record(d, log_status="SKIPDATA"),
    ]  # fmt: skip


def _version_5() -> list[Record]:
    v = ODD_VERSION_5
    out: dict[str, Value] = {"flow_direction": "egress", "type": "IPv4"}
    into: dict[str, Value] = {"flow_direction": "ingress", "type": "IPv4"}
    a: dict[str, Value] = {"interface_id": "eni-2a", "instance_id": "i-a", "subnet_id": "subnet-a"}
    b: dict[str, Value] = {"interface_id": "eni-2b", "instance_id": "i-b", "subnet_id": "subnet-b"}
    request, response = "10.2.0.5:45000 > 10.2.0.9:8443 6 10/9000", "10.2.0.9:8443 > 10.2.0.5:45000 6 20/60000"
    packet: dict[str, Value] = {"pkt_srcaddr": "10.2.0.5", "pkt_dstaddr": "10.2.0.9"}
    history = [
        flow(v, f"10.2.0.{host}:44000 > 203.0.113.77:443 6 9/{size}", start=SINCE - day * DAY + 100, **out)
        for host, size in ((7, 100_000_000), (8, 300_000_000))
        for day in range(1, 8)
    ]
    return [
        *history,
        flow(v, request, tcp_flags=3, **a, **out, **packet),
        flow(v, request, tcp_flags=3, **b, **into, **packet),
        flow(v, response, tcp_flags=19, **b, **out, pkt_srcaddr="10.2.0.9", pkt_dstaddr="10.2.0.5"),
        flow(v, response, tcp_flags=19, **a, **into, pkt_srcaddr="10.2.0.9", pkt_dstaddr="10.2.0.5"),
        # The server has the higher port, which only the flags show.
        flow(v, "10.2.0.5:2000 > 10.2.0.9:9000 6 1/100", tcp_flags=2, **a, **out),
        flow(v, "10.2.0.9:9000 > 10.2.0.5:2000 6 1/101", tcp_flags=18, **a, **into),
        flow(v, "10.2.0.5:9001 > 10.2.0.9:2001 6 1/102", tcp_flags=18, **a, **out),
        flow(v, "10.2.0.5:46000 > 52.95.128.179:443 6 7/471000", **a, **out, traffic_path=8,
             pkt_dstaddr="52.95.128.179", pkt_dst_aws_service="S3"),
        flow(v, "10.2.0.5:46001 > 203.0.113.80:443 6 7/72000", **a, **out, traffic_path=2),
        flow(v, "10.2.0.5:46002 > 10.2.0.9:443 6 7/73", **a, **out, traffic_path=1),
        flow(v, "10.2.0.5:46003 > 203.0.113.81:443 6 7/74", **a, **out, traffic_path=8, action="REJECT"),
        flow(v, "203.0.113.80:443 > 10.2.0.5:46001 6 7/75000", **a, **into),
        flow(v, "10.2.0.7:44000 > 203.0.113.77:443 6 9/1200000000", start=NOON, **out),
        flow(v, "10.2.0.7:44000 > 203.0.113.77:443 6 9/800000000", start=NOON + 9, **out),
        flow(v, "10.2.0.8:44000 > 203.0.113.77:443 6 9/2900000000", **out),
        flow(v, "10.2.0.9:44000 > 203.0.113.78:443 6 9/500000000", **out),
        flow(v, "10.2.0.10:44000 > 203.0.113.78:443 6 9/1000000000", **out),
        flow(v, "203.0.113.78:443 > 10.2.0.10:44000 6 9/7000000000", **into),
        flow(v, "10.2.0.10:44000 > 10.2.0.5:443 6 9/8000000000", **out),
        flow(v, "10.2.0.5:46004 > 10.2.0.9:443 6 9/9", **a, flow_direction="egress", type="EFA"),
        flow(v, "[2600:1f18::aa]:46005 > [2600:9000::1]:22 6 9/901", **a, flow_direction="egress", type="IPv6"),
        flow(v, "[2600:9000::2]:46006 > [2600:1f18::aa]:22 6 9/902", **a, flow_direction="ingress", type="IPv6"),
        flow(v, "[fd12::1]:46007 > [2600:1f18::aa]:22 6 9/903", **a, flow_direction="ingress", type="IPv6"),
        # Behind a load balancer: the original sender differs.
        flow(v, "10.2.0.200:1024 > 10.2.0.9:8080 6 2/5000", **b, **into, pkt_srcaddr="203.0.113.200",
             pkt_dstaddr="10.2.0.9"),
    ]  # fmt: skip


def _every_vpc_field() -> list[Record]:
    w = EVERY_VPC_FIELD
    out: dict[str, Value] = {
        "flow_direction": "egress",
        "vpc_id": "vpc-3",
        "subnet_id": "subnet-3",
        "az_id": "use1-az1",
    }
    into = {**out, "flow_direction": "ingress"}
    tagged: dict[str, Value] = {"instance_id": "i-3", "instance_tag": "payments", "interface_id": "eni-3"}
    nat: dict[str, Value] = {"next_hop_interface_type": "nat_gateway", "next_hop_interface_id": "eni-nat"}
    s3: dict[str, Value] = {"pkt_dst_aws_service": "S3", "pkt_dstaddr": "52.95.128.1"}
    other_zone: dict[str, Value] = {"next_hop_az_id": "use1-az2", "next_hop_subnet_id": "subnet-4"}
    return [
        flow(w, "10.3.0.5:47000 > 52.95.128.1:443 6 9/30000", **out, **tagged, **nat, **s3, traffic_path=1),
        flow(w, "10.3.0.5:47001 > 52.95.128.1:443 6 9/31000", **out, **tagged, **nat, **s3, traffic_path=1),
        flow(w, "52.95.128.1:443 > 10.3.0.5:47000 6 9/90000", **into, **tagged, **nat, pkt_srcaddr="52.95.128.1",
             pkt_src_aws_service="S3"),
        flow(w, "10.3.0.6:47002 > 52.94.8.1:443 6 9/3200", **out, **nat, asg_tag="web", pkt_dst_aws_service="DYNAMODB"),
        flow(w, "10.3.0.6:47003 > 203.0.113.30:443 6 9/3300", **out, interface_tag="eth0",
             next_hop_interface_type="regional_nat_gateway"),
        flow(w, "10.3.0.6:47004 > 203.0.113.31:443 6 9/3400", **out, **nat, action="REJECT"),
        # Records of the NAT gateways' own interfaces.
        flow(w, "10.3.0.5:47000 > 10.3.0.220:443 6 9/30001", **into, interface_type="nat_gateway", **s3),
        flow(w, "10.3.0.220:1024 > 52.95.128.1:443 6 9/30002", **out, interface_type="nat_gateway", **s3,
             traffic_path=8),
        flow(w, "107.22.182.139:1025 > 203.0.113.30:443 6 9/3301", **out, resource_id="nat-1", traffic_path=8),
        # Directly to the internet, and through endpoints.
        flow(w, "10.3.0.7:47005 > 203.0.113.32:443 6 9/3500", **out, **tagged, traffic_path=8),
        flow(w, "10.3.0.7:47006 > 203.0.113.32:443 6 9/3501", **out, **tagged, traffic_path=2,
             next_hop_interface_type="vpc_endpoint"),
        flow(w, "10.3.0.7:47007 > 52.95.128.2:443 6 9/3502", **out, **tagged, traffic_path=7, pkt_dst_aws_service="S3"),
        # Between zones, logged at both ends; within a zone; and to a next hop in an unknown zone.
        flow(w, "10.3.0.5:47008 > 10.3.1.5:5432 6 9/36000", **out, **tagged, **other_zone, traffic_path=1),
        flow(w, "10.3.0.5:47008 > 10.3.1.5:5432 6 9/36000", flow_direction="ingress", az_id="use1-az2",
             subnet_id="subnet-4", next_hop_az_id="use1-az1", next_hop_subnet_id="subnet-3"),
        flow(w, "10.3.0.5:47009 > 10.3.0.8:5432 6 9/37000", **out, **tagged, next_hop_az_id="use1-az1"),
        flow(w, "10.3.0.5:47010 > 10.3.1.5:5432 6 9/38000", **out, **tagged, **other_zone, action="REJECT"),
        # Encryption and policies.
        flow(w, "10.3.0.5:47011 > 10.3.1.9:80 6 9/4000", **out, encryption_status=0, traffic_path=1),
        flow(w, "10.3.0.5:47012 > 10.3.1.9:80 6 9/4001", **out, encryption_status=0, traffic_path=1),
        flow(w, "10.3.0.5:47012 > 10.3.1.9:80 6 9/4001", **into, encryption_status=0),
        flow(w, "10.3.0.5:47013 > 10.3.1.9:443 6 9/4002", **out, encryption_status=1),
        flow(w, "10.3.0.5:47014 > 10.3.1.9:443 6 9/4003", **out, encryption_status=3),
        flow(w, "10.3.0.5:47015 > 10.3.1.9:81 6 9/4004", **out, encryption_status=0, action="REJECT"),
        flow(w, "203.0.113.40:47016 > 10.3.0.5:443 6 1/1", **into, action="REJECT", reject_reason="BPA", bytes=None),
        flow(w, "203.0.113.40:47017 > 10.3.0.5:443 6 1/1", **into, action="REJECT", reject_reason="BPA", bytes=None),
        flow(w, "10.3.0.5:47018 > 10.3.0.230:443 6 1/60", **out, action="REJECT", reject_reason="EC"),
        flow(w, "10.3.0.5:47019 > 10.3.0.231:443 6 1/61", **out, reject_reason="Accepted"),
        flow(w, "10.3.0.5:47020 > 10.3.0.232:443 6 1/62", **out, action="REJECT"),
    ]  # fmt: skip


def _transit_gateway() -> list[Record]:
    t = TGW_DEFAULT_FORMAT
    lost = ("packets_lost_no_route", "packets_lost_blackhole", "packets_lost_mtu_exceeded", "packets_lost_ttl_expired")
    one: dict[str, Value] = {"tgw_id": "tgw-1", "tgw_attachment_id": "tgw-attach-1", "type": "IPv4"}
    two: dict[str, Value] = {"tgw_id": "tgw-1", "tgw_attachment_id": "tgw-attach-2", "type": "IPv4"}
    none = dict.fromkeys(lost, 0)
    request = "10.71.1.10:48000 > 10.72.1.10:443 6 5/5100"
    return [
        flow(t, request, **one, **none, flow_direction="ingress", tcp_flags=2),
        flow(t, request, **two, **none, flow_direction="egress", tcp_flags=2),
        flow(t, "10.72.1.10:443 > 10.71.1.10:48000 6 6/6200", **two, **none, flow_direction="ingress", tcp_flags=18),
        flow(t, "10.71.1.11:0 > 10.99.0.10:0 17 3/300", **one, **{**none, lost[0]: 3}, flow_direction="ingress"),
        flow(t, "10.71.1.11:0 > 10.99.0.11:0 17 9/900", **one, **{**none, lost[1]: 7, lost[3]: 2}),
        flow(t, "10.71.1.12:0 > 10.99.0.12:0 17 9/900", **two, **{**none, lost[2]: 4}),
        record(t, tgw_attachment_id="tgw-attach-3", log_status="SKIPDATA"),
    ]


GROUPS = (_default(), _version_5(), _every_vpc_field(), _transit_gateway())
"""The records, one group per format."""
