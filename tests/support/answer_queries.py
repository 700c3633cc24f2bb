"""The answers as queries for DuckDB, written from docs/answers.md and the design, and not from the SQL files.

The queries read the table ``r`` with the generator's records: a column per documented field, ``flow_log``, and the time
``event_time``. ``w`` has those of the window ``since`` to ``until``, which are variables in Unix seconds. The table
``address`` has the class, the IP version and the packed bytes of each address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

import communityid
import duckdb
import pyarrow as pa

from vpc_flow_logs.fields import FIELDS

TOTALS = "count(*), coalesce(sum(packets), 0)::BIGINT, coalesce(sum(bytes), 0)::BIGINT"
NAT = "('nat_gateway', 'regional_nat_gateway')"
ADMIN = "(20, 21, 22, 23, 135, 139, 445, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 11211, 27017)"
NOT_REJECTED = "action IS DISTINCT FROM 'REJECT'"
TAG = "coalesce(instance_tag, asg_tag, interface_tag)"
SERVICES = {
    22: "ssh", 23: "telnet", 53: "dns", 80: "http", 123: "ntp", 161: "snmp", 443: "https", 445: "smb",
    1433: "sql server", 3306: "mysql", 3389: "rdp", 5060: "sip", 5432: "postgresql", 5900: "vnc", 6379: "redis",
    8080: "http alt", 8443: "https alt", 9092: "kafka", 9200: "elasticsearch", 27017: "mongodb",
}  # fmt: skip
"""The names of the ports in the generator's traffic."""

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def _service() -> str:
    names = " ".join(f"WHEN {port} THEN '{name}'" for port, name in SERVICES.items())
    return (
        f"CASE WHEN protocol IN (6, 17) THEN CASE dstport {names} END "
        "WHEN protocol = 1 THEN 'icmp' WHEN protocol = 58 THEN 'icmp6' END"
    )


def _flows(condition: str = "TRUE", first: str = "", last: str = "") -> str:
    """Return the query for a list of flows."""
    keys = [key for key in (first, "srcaddr", "dstaddr", "dstport", "protocol", last) if key]
    shown = [key for key in (first, "srcaddr", "dstaddr", "dstport", "protocol", _service(), last) if key]
    return (
        f"SELECT {', '.join(shown)}, {TOTALS} FROM w WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL "
        f"AND dstport IS NOT NULL AND protocol IS NOT NULL AND ({condition}) GROUP BY {', '.join(keys)}"
    )


def _top(*keys: str, condition: str = "TRUE") -> str:
    """Return the query for totals by keys, of records that have the keys and bytes."""
    complete = " AND ".join(f"{key} IS NOT NULL" for key in (*keys, "bytes"))
    return f"SELECT {', '.join(keys)}, {TOTALS} FROM w WHERE {complete} AND ({condition}) GROUP BY {', '.join(keys)}"


def _by(keys: Iterable[str], condition: str) -> str:
    """Return the query for totals by keys that can be NULL."""
    listed = ", ".join(keys)
    return f"SELECT {listed}, {TOTALS} FROM w WHERE bytes IS NOT NULL AND ({condition}) GROUP BY {listed}"


def _version(number: int) -> str:
    decided = f"CASE WHEN type IS NULL THEN address.version = {number} ELSE type = 'IPv{number}' END"
    return f"SELECT {TOTALS} FROM w LEFT JOIN address ON address.text = srcaddr WHERE bytes IS NOT NULL AND {decided}"


def _behind(prefix: str, other: str) -> str:
    """Return the value at the far side of a NAT gateway: of the sender for ingress, of the target for egress."""
    return f"CASE WHEN flow_direction = 'ingress' THEN {prefix} ELSE {other} END"


_REMOTE = _behind("coalesce(pkt_srcaddr, srcaddr)", "coalesce(pkt_dstaddr, dstaddr)")
_REMOTE_SERVICE = _behind("pkt_src_aws_service", "pkt_dst_aws_service")
_THROUGH_NAT = f"next_hop_interface_type IN {NAT} AND {NOT_REJECTED}"
_PUBLIC_SOURCE = "srcaddr IN (SELECT text FROM address WHERE class = 'public')"
_LOST = [f"packets_lost_{cause}" for cause in ("no_route", "blackhole", "mtu_exceeded", "ttl_expired")]

_SCANS = f"""
    SELECT srcaddr, count(DISTINCT dstport) AS ports, count(DISTINCT dstaddr) AS addresses, min(event_time),
           max(event_time), {TOTALS}
    FROM w WHERE action = 'REJECT' AND srcaddr IS NOT NULL GROUP BY srcaddr
    HAVING ports >= getvariable('min_ports') OR addresses >= getvariable('min_addresses')"""

_UPLOADS = """
    WITH days AS (
        SELECT srcaddr, dstaddr, floor((start - getvariable('since')) / 86400.0)::INT AS day, count(*) AS records,
               coalesce(sum(packets), 0)::BIGINT AS packets, sum(bytes)::BIGINT AS bytes
        FROM r
        JOIN address AS target ON target.text = dstaddr AND target.class = 'public'
        JOIN address AS source ON source.text = srcaddr
        WHERE start >= getvariable('since') - 7 * 86400 AND start < getvariable('until') AND bytes IS NOT NULL
              AND (flow_direction = 'egress' OR (flow_direction IS NULL AND source.class = 'private'))
              AND action IS DISTINCT FROM 'REJECT'
        GROUP BY ALL),
    usual AS (
        SELECT srcaddr, dstaddr, median(coalesce(bytes, 0))::BIGINT AS usual
        FROM (SELECT DISTINCT srcaddr, dstaddr FROM days) CROSS JOIN (SELECT unnest(range(-7, 0))::INT AS day)
        LEFT JOIN days USING (srcaddr, dstaddr, day) GROUP BY ALL),
    busiest AS (
        SELECT *, row_number() OVER (PARTITION BY srcaddr, dstaddr ORDER BY bytes DESC, day) AS place
        FROM days WHERE day >= 0)
    SELECT srcaddr, dstaddr, make_timestamp((getvariable('since') + day * 86400)::BIGINT * 1000000), usual, records,
           packets, bytes
    FROM busiest JOIN usual USING (srcaddr, dstaddr)
    WHERE place = 1 AND bytes > getvariable('factor') * usual AND bytes >= getvariable('min_bytes')"""

_CONVERSATIONS = """
    WITH ends AS (
        SELECT *, coalesce(interface_id, tgw_attachment_id, resource_id) AS observer,
               (source.packed, srcport) < (target.packed, dstport) AS forward
        FROM w JOIN address AS source ON source.text = srcaddr JOIN address AS target ON target.text = dstaddr
        WHERE protocol NOT IN (1, 58) AND srcport IS NOT NULL AND dstport IS NOT NULL
              AND action IS DISTINCT FROM 'REJECT'),
    directed AS (
        SELECT protocol, observer, forward, event_time, tcp_flags, make_timestamp("end" * 1000000) AS end_time, bytes,
               if(forward, srcaddr, dstaddr) AS a, if(forward, srcport, dstport) AS ap,
               if(forward, dstaddr, srcaddr) AS b, if(forward, dstport, srcport) AS bp
        FROM ends),
    observed AS (
        SELECT protocol, a, ap, b, bp, observer,
               coalesce(sum(bytes) FILTER (forward), 0)::BIGINT AS a_bytes,
               coalesce(sum(bytes) FILTER (NOT forward), 0)::BIGINT AS b_bytes,
               min(event_time) FILTER (forward) AS a_first, min(event_time) FILTER (NOT forward) AS b_first,
               bit_or(tcp_flags) FILTER (forward) AS a_flags, bit_or(tcp_flags) FILTER (NOT forward) AS b_flags,
               max(end_time) AS last
        FROM directed GROUP BY protocol, a, ap, b, bp, observer),
    joined AS (
        SELECT protocol, a, ap, b, bp, max(a_bytes) AS a_bytes, max(b_bytes) AS b_bytes, min(a_first) AS a_first,
               min(b_first) AS b_first, bit_or(a_flags) AS a_flags, bit_or(b_flags) AS b_flags, max(last) AS last
        FROM observed GROUP BY protocol, a, ap, b, bp),
    sided AS (
        SELECT *, coalesce(a_flags, 0) & 18 = 18 AS a_answers, coalesce(b_flags, 0) & 18 = 18 AS b_answers,
               coalesce(a_flags, 0) & 2 = 2 AS a_opens, coalesce(b_flags, 0) & 2 = 2 AS b_opens,
               CASE WHEN a_answers <> b_answers THEN b_answers WHEN a_opens <> b_opens THEN a_opens
                    WHEN ap <> bp THEN bp < ap ELSE b_first IS NULL OR a_first <= b_first END AS a_is_client
        FROM joined)
    SELECT community_id(protocol, a, b, ap, bp), if(a_is_client, a, b), if(a_is_client, b, a),
           if(a_is_client, bp, ap), protocol, if(a_is_client, a_bytes, b_bytes), if(a_is_client, b_bytes, a_bytes),
           least(a_first, b_first), last, coalesce(a_flags | b_flags, a_flags, b_flags)
    FROM sided"""


QUERIES: Mapping[str, str] = {
    "accepted_traffic": _flows("action = 'ACCEPT' AND protocol = 6"),
    "admin_port_traffic": _top("dstaddr", condition=f"dstport IN {ADMIN}"),
    "ipv4_traffic": _version(4),
    "ipv6_traffic": _version(6),
    "rejected_tcp_traffic": _flows("action = 'REJECT' AND protocol = 6"),
    "rejected_traffic": _flows("action = 'REJECT'"),
    "ssh_rdp_traffic": _flows("srcport IN (22, 3389) OR dstport IN (22, 3389)"),
    "top_talkers": _top("srcaddr"),
    "top_talkers_packet_level": _top("pkt_srcaddr"),
    "top_talking_instances": _top("instance_id"),
    "top_talking_subnets": _top("subnet_id"),
    "top_tcp_traffic": _flows("protocol = 6"),
    "total_bytes_transferred": _top("srcaddr", "dstaddr"),
    "total_bytes_transferred_packet_level": _top("pkt_srcaddr", "pkt_dstaddr"),
    "traffic_from": _flows(),
    "traffic_to": _flows(),
    "cross_az_bytes": _by(
        ("az_id", "next_hop_az_id", "subnet_id", "next_hop_subnet_id", TAG, "flow_direction"),
        f"az_id <> next_hop_az_id AND {NOT_REJECTED}",
    ),
    "gateway_endpoint_savings": _by(
        (_REMOTE_SERVICE, "vpc_id", "subnet_id", "flow_direction"),
        f"{_REMOTE_SERVICE} IN ('S3', 'DYNAMODB') AND {_THROUGH_NAT}",
    ),
    "internet_egress": _by(
        ("instance_id", TAG, "pkt_dst_aws_service", "coalesce(pkt_dstaddr, dstaddr)"),
        "coalesce(flow_direction, 'egress') = 'egress' AND traffic_path IN (2, 8) AND dstaddr IS NOT NULL "
        f"AND coalesce(interface_type, '') NOT IN {NAT} AND coalesce(resource_id, '') NOT LIKE 'nat-%' "
        f"AND coalesce(next_hop_interface_type, '') NOT IN {NAT} AND {NOT_REJECTED} "
        "AND next_hop_interface_type IS DISTINCT FROM 'vpc_endpoint'",
    ),
    "nat_gateway_bytes": _by(("flow_direction", "instance_id", TAG, _REMOTE_SERVICE, _REMOTE), _THROUGH_NAT),
    "admin_ports_from_internet": _flows(
        f"action = 'ACCEPT' AND dstport IN {ADMIN} AND {_PUBLIC_SOURCE} AND flow_direction IS DISTINCT FROM 'egress'"
    ),
    "blocked_by_policy": _flows("action = 'REJECT' AND reject_reason IS NOT NULL", first="reject_reason"),
    "port_scans": _SCANS,
    "rejected_sources": (
        f"SELECT srcaddr, count(DISTINCT dstport), count(DISTINCT dstaddr), {TOTALS} FROM w "
        "WHERE action = 'REJECT' AND srcaddr IS NOT NULL GROUP BY srcaddr"
    ),
    "unencrypted_traffic": _flows(f"encryption_status = 0 AND {NOT_REJECTED}", last="traffic_path"),
    "unusual_uploads": _UPLOADS,
    "conversations": _CONVERSATIONS,
    "transit_gateway_drops": (
        f"SELECT tgw_attachment_id, {', '.join(f'coalesce(sum({name}), 0)::BIGINT' for name in _LOST)} FROM w "
        f"WHERE tgw_attachment_id IS NOT NULL AND coalesce({', '.join(_LOST)}) IS NOT NULL GROUP BY tgw_attachment_id"
    ),
    "freshness": "SELECT flow_log, max(event_time) FROM r GROUP BY flow_log",
    "skipped_data": (
        "SELECT interface_id, log_status, count(*) FROM w WHERE log_status IN ('SKIPDATA', 'NODATA') "
        "AND interface_id IS NOT NULL GROUP BY interface_id, log_status"
    ),
}
"""The query of each answer, except for ``quarantine_summary``, which is not about records. The rows have no order."""

DEFAULTS = {"direction": None, "min_ports": 20, "min_addresses": 20, "factor": 10, "min_bytes": 10**9}


def database(tables: Mapping[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """Return a database with the records of flow logs.

    Args:
        tables: The records of each flow log, by its ID, with a column per field under AWS's name.
    """
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    typed = ", ".join(f'"{field.column}" {field.type.replace("STRING", "VARCHAR")}' for field in FIELDS)
    connection.execute(f"CREATE TABLE r ({typed}, flow_log VARCHAR, event_time TIMESTAMP)")
    for flow_log, records in tables.items():
        connection.register("delivered", records)
        names = ", ".join(f'"{name}" AS "{name.replace("-", "_")}"' for name in records.column_names)
        connection.execute(
            f"INSERT INTO r BY NAME SELECT {names}, '{flow_log}' AS flow_log, "
            "make_timestamp(start * 1000000) AS event_time FROM delivered"
        )
        connection.unregister("delivered")
    connection.execute(
        "CREATE VIEW w AS SELECT * FROM r WHERE start >= getvariable('since') AND start < getvariable('until') "
        "AND (getvariable('direction') IS NULL OR flow_direction = getvariable('direction'))"
    )
    texts = connection.execute("SELECT srcaddr FROM r UNION SELECT dstaddr FROM r").fetchall()
    connection.execute("CREATE TABLE address (text VARCHAR, class VARCHAR, version INT, packed VARCHAR)")
    connection.executemany("INSERT INTO address VALUES (?, ?, ?, ?)", [_address(text) for (text,) in texts if text])
    connection.create_function(
        "community_id", _community_id, ["INTEGER", "VARCHAR", "VARCHAR", "INTEGER", "INTEGER"], "VARCHAR"
    )
    return connection


def _address(text: str) -> tuple[str, str, int, str]:
    """Return an address with its class, its version and its bytes as hexadecimal digits."""
    address = ip_address(text)
    kind = "private" if any(address in ip_network(network) for network in PRIVATE) else "public"
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        kind = "special"
    return text, kind, address.version, address.packed.hex()


def _community_id(protocol: int, source: str, target: str, source_port: int, target_port: int) -> str:
    flow_tuple = communityid.FlowTuple(protocol, source, target, source_port, target_port)
    return str(communityid.CommunityID().calc(flow_tuple))
