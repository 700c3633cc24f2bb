"""The view of the records as events of the Open Cybersecurity Schema Framework (OCSF).

Each record is an event of the class Network Activity (4001) of OCSF 1.8.0 with the profiles cloud and security_control.
The mapping is that of AWS, completed for transit gateways, original addresses and the observation point.

Source: https://schema.ocsf.io/1.8.0/classes/network_activity and
https://github.com/ocsf/examples/tree/main/mappings/markdown/AWS/v1.5.0/VPC%20Flowlogs
"""

from __future__ import annotations

from collections.abc import Iterable

from vpc_flow_logs.answers import addresses
from vpc_flow_logs.answers.model import OCSF
from vpc_flow_logs.answers.views import Column, View, milliseconds
from vpc_flow_logs.fields import FIELDS
from vpc_flow_logs.sql import literal

PROTOCOL_NAMES = {
    1: "icmp", 2: "igmp", 4: "ipv4", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah",
    58: "ipv6-icmp", 88: "eigrp", 89: "ospfigp", 103: "pim", 112: "vrrp", 115: "l2tp", 132: "sctp",
}  # fmt: skip
"""Lowercase keywords of IANA, which OCSF requires: https://www.iana.org/assignments/protocol-numbers"""

BOUNDARIES = {
    1: (4, "Same VPC"), 2: (5, "Internet/VPC Gateway"), 3: (6, "Virtual Private Gateway"), 4: (7, "Intra-region VPC"),
    5: (8, "Inter-region VPC"), 6: (9, "Local Gateway"), 7: (10, "Gateway VPC"), 8: (11, "Internet Gateway"),
}  # fmt: skip
"""OCSF's boundary for each traffic-path."""

MAPPED = (
    "version", "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log_status", "vpc_id", "subnet_id", "instance_id", "tcp_flags", "type", "pkt_srcaddr",
    "pkt_dstaddr", "region", "az_id", "pkt_src_aws_service", "pkt_dst_aws_service", "flow_direction", "traffic_path",
    "tgw_attachment_id", "tgw_src_vpc_id", "tgw_dst_vpc_id", "tgw_src_subnet_id", "tgw_dst_subnet_id", "tgw_src_eni",
    "tgw_dst_eni", "tgw_src_az_id", "tgw_dst_az_id", "reject_reason", "resource_id",
)  # fmt: skip
"""Columns of the fields that have an attribute of OCSF."""

UNMAPPED = tuple(field for field in FIELDS if field.column not in MAPPED)
"""All other fields. They are in ``unmapped``, under the name of their column."""

Attribute = tuple[str, str, str]
"""An attribute: its name, its SQL type, and the SQL expression for its value."""


def _case(value: str, names: Iterable[tuple[int, int | str]], other: str) -> str:
    """Return the SQL expression that maps numbers to constants."""
    whens = (f"WHEN {n} THEN {literal(to) if isinstance(to, str) else to}" for n, to in names)
    return f"CASE {value} {' '.join(whens)} ELSE {other} END"


def _object(name: str, attributes: Iterable[Attribute], present: str = "") -> Attribute:
    """Return an attribute that is an object.

    Args:
        name: Name of the attribute.
        attributes: The attributes of the object.
        present: The SQL condition for the object to exist. By default, it always exists.
    """
    listed = list(attributes)
    value = f"named_struct({', '.join(f'{literal(key)}, {sql}' for key, _, sql in listed)})"
    type_ = f"STRUCT<{', '.join(f'{key}: {type_}' for key, type_, _ in listed)}>"
    return name, type_, f"CASE WHEN {present} THEN {value} END" if present else value


def _constant(name: str, value: str | int) -> Attribute:
    return (name, "STRING", literal(value)) if isinstance(value, str) else (name, "INT", str(value))


# Without a direction, the interface belongs to the source.
_INGRESS = "coalesce(flow_direction = 'ingress', FALSE)"
_PORTS = "protocol IN (6, 17, 132)"
_SILENT = "coalesce(log_status IN ('NODATA', 'SKIPDATA'), FALSE)"


def _end(side: str, owner: str) -> dict[str, str]:
    """Return the SQL expressions for one end of the flow.

    Args:
        side: ``src`` or ``dst``.
        owner: The SQL condition for the recording interface to be at this end.
    """
    return {
        f"{side}_ip": f"coalesce(pkt_{side}addr, {side}addr)",
        f"{side}_interface": f"coalesce(tgw_{side}_eni, IF({owner}, interface_id, NULL))",
        f"{side}_instance": f"IF({owner}, instance_id, NULL)",
        f"{side}_vpc": f"coalesce(tgw_{side}_vpc_id, IF({owner}, vpc_id, NULL))",
        f"{side}_subnet": f"coalesce(tgw_{side}_subnet_id, IF({owner}, subnet_id, NULL))",
        f"{side}_zone": f"coalesce(tgw_{side}_az_id, IF({owner}, az_id, NULL))",
    }


def _identified(side: str) -> dict[str, str]:
    """Return the SQL expressions for what identifies an end, for its other values, and for the end of Community ID."""
    return {
        f"{side}_identity": f"coalesce({side}_ip, {side}_interface, {side}_instance, pkt_{side}_aws_service)",
        f"{side}_more": f"coalesce(CAST({side}port AS STRING), {side}_vpc, {side}_subnet, {side}_zone)",
        f"{side}_tuple": f"named_struct('digits', {addresses.hex_of(f'{side}_ip')}, "
        f"'port', IF({_PORTS}, {side}port, 0))",
    }


STEPS: tuple[dict[str, str], ...] = (
    {
        "activity": f"CASE WHEN {_SILENT} THEN 99 WHEN action = 'REJECT' THEN 5 ELSE 6 END",
        "action_number": "CASE action WHEN 'ACCEPT' THEN 1 WHEN 'REJECT' THEN 2 ELSE IF(action IS NULL, NULL, 99) END",
        "observer": "coalesce(tgw_attachment_id, resource_id)",
        "start_millis": milliseconds("start"),
        "end_millis": milliseconds("end"),
        **_end("src", f"NOT {_INGRESS}"),
        **_end("dst", _INGRESS),
    },
    {
        "activity_caption": "CASE activity WHEN 5 THEN 'Refuse' WHEN 6 THEN 'Traffic' ELSE 'Other' END",
        "observation_point": "CASE WHEN observer IS NOT NULL THEN 3 WHEN flow_direction = 'egress' THEN 1 "
        "WHEN flow_direction = 'ingress' THEN 2 END",
        **_identified("src"),
        **_identified("dst"),
    },
    {
        # OCSF requires an endpoint, and a name or an ID in each.
        "src_name": "IF(src_identity IS NULL AND (src_more IS NOT NULL OR dst_identity IS NULL), 'unknown', NULL)",
        "dst_name": "IF(dst_identity IS NULL AND dst_more IS NOT NULL, 'unknown', NULL)",
        "lower_end": "least(src_tuple, dst_tuple)",
        "upper_end": "greatest(src_tuple, dst_tuple)",
    },
)
"""The expressions that the attributes use. Those of a step use the columns of the steps before."""

_COMMUNITY_ID = (
    "CASE WHEN protocol BETWEEN 0 AND 255 AND protocol NOT IN (1, 58) "
    "AND src_tuple.digits IS NOT NULL AND dst_tuple.digits IS NOT NULL "
    "AND src_tuple.port IS NOT NULL AND dst_tuple.port IS NOT NULL "
    "THEN concat('1:', base64(unhex(sha1(unhex(concat('0000', lower_end.digits, upper_end.digits, "
    "lpad(hex(protocol), 2, '0'), '00', "
    f"IF({_PORTS}, concat(lpad(hex(lower_end.port), 4, '0'), lpad(hex(upper_end.port), 4, '0')), ''))))))) END"
)


def _endpoint(side: str) -> Attribute:
    """Return the attribute for one end of the flow: the original address, with the translated one as intermediate."""
    attributes = (
        ("ip", "STRING", f"{side}_ip"),
        ("intermediate_ips", "ARRAY<STRING>", f"IF({side}_ip <> {side}addr, array({side}addr), NULL)"),
        ("port", "INT", f"{side}port"),
        ("svc_name", "STRING", f"pkt_{side}_aws_service"),
        ("interface_uid", "STRING", f"{side}_interface"),
        ("instance_uid", "STRING", f"{side}_instance"),
        ("vpc_uid", "STRING", f"{side}_vpc"),
        ("subnet_uid", "STRING", f"{side}_subnet"),
        ("zone", "STRING", f"{side}_zone"),
        ("name", "STRING", f"{side}_name"),
    )
    return _object(f"{side}_endpoint", attributes, f"coalesce({side}_identity, {side}_name) IS NOT NULL")


ATTRIBUTES: tuple[Attribute, ...] = (
    ("activity_id", "INT", "activity"),
    ("activity_name", "STRING", "CASE activity WHEN 5 THEN 'Refuse' WHEN 6 THEN 'Traffic' ELSE log_status END"),
    _constant("category_uid", 4),
    _constant("category_name", "Network Activity"),
    _constant("class_uid", 4001),
    _constant("class_name", "Network Activity"),
    ("type_uid", "BIGINT", "CAST(400100 + activity AS BIGINT)"),
    ("type_name", "STRING", "concat('Network Activity: ', activity_caption)"),
    _constant("severity_id", 1),
    _constant("severity", "Informational"),
    ("time", "BIGINT", "unix_millis(coalesce(event_time, ingested_at))"),
    ("start_time", "BIGINT", "start_millis"),
    ("end_time", "BIGINT", "end_millis"),
    ("duration", "BIGINT", "IF(end_millis >= start_millis, end_millis - start_millis, NULL)"),
    ("action_id", "INT", "action_number"),
    ("action", "STRING", "CASE action WHEN 'ACCEPT' THEN 'Allowed' WHEN 'REJECT' THEN 'Denied' ELSE action END"),
    ("disposition_id", "INT", "CASE action WHEN 'ACCEPT' THEN 1 WHEN 'REJECT' THEN 2 END"),
    ("disposition", "STRING", "CASE action WHEN 'ACCEPT' THEN 'Allowed' WHEN 'REJECT' THEN 'Blocked' END"),
    ("status_code", "STRING", "log_status"),
    ("status_detail", "STRING", "reject_reason"),
    ("observation_point_id", "INT", "observation_point"),
    _object("network_observation_point", [("uid", "STRING", "observer")], "observer IS NOT NULL"),
    _endpoint("src"),
    _endpoint("dst"),
    _object("connection_info", (
        ("direction_id", "INT", "CASE flow_direction WHEN 'ingress' THEN 1 WHEN 'egress' THEN 2 ELSE 0 END"),
        ("direction", "STRING",
         "CASE flow_direction WHEN 'ingress' THEN 'Inbound' WHEN 'egress' THEN 'Outbound' ELSE 'Unknown' END"),
        ("boundary_id", "INT", _case("traffic_path", ((path, uid) for path, (uid, _) in BOUNDARIES.items()), "99")),
        ("boundary", "STRING", _case("traffic_path", ((path, name) for path, (_, name) in BOUNDARIES.items()),
                                     "coalesce(CAST(traffic_path AS STRING), '-')")),
        ("protocol_num", "INT", "protocol"),
        ("protocol_name", "STRING", _case("protocol", PROTOCOL_NAMES.items(), "NULL")),
        ("protocol_ver_id", "INT", "coalesce(ip_version, IF(type IS NULL, 0, 99))"),
        ("protocol_ver", "STRING", "coalesce(type, concat('IPv', ip_version))"),
        ("tcp_flags", "INT", "tcp_flags"),
        ("community_uid", "STRING", _COMMUNITY_ID),
    )),
    _object("traffic", [("bytes", "BIGINT", "bytes"), ("packets", "BIGINT", "packets")],
            "coalesce(bytes, packets) IS NOT NULL"),
    _object("cloud", (
        _constant("provider", "AWS"),
        _object("account", (
            ("uid", "STRING", "account_id"),
            _constant("type_id", 10),
            _constant("type", "AWS Account"),
        ), "account_id IS NOT NULL"),
        ("region", "STRING", "region"),
        ("zone", "STRING", "az_id"),
    )),
    _object("metadata", (
        _constant("version", "1.8.0"),
        ("profiles", "ARRAY<STRING>", "array('cloud', 'security_control')"),
        _object("product", (
            _constant("name", "Amazon VPC"),
            _constant("vendor_name", "AWS"),
            ("version", "STRING", "CAST(version AS STRING)"),
            _object("feature", [_constant("name", "Flowlogs")]),
        )),
        ("processed_time", "BIGINT", "unix_millis(ingested_at)"),
    )),
    _object("unmapped", ((field.column, field.type, f"`{field.column}`") for field in UNMAPPED),
            " OR ".join(f"{field.column} IS NOT NULL" for field in UNMAPPED)),
)  # fmt: skip
"""The attributes of an event, in the order of the columns. Times are in milliseconds since 1970."""

_COMMENTS = {
    "activity_id": "5 Refuse for REJECT, 99 Other for NODATA and SKIPDATA, 6 Traffic for all others",
    "time": "event_time in milliseconds since 1970",
    "action_id": "1 Allowed for ACCEPT, 2 Denied for REJECT",
    "observation_point_id": "1 Source for egress, 2 Destination for ingress, 3 Neither for gateways",
    "network_observation_point": "Transit gateway attachment or regional NAT gateway that recorded the flow",
    "src_endpoint": "Original source; an address that replaces it is in intermediate_ips",
    "dst_endpoint": "Original destination; an address that replaces it is in intermediate_ips",
    "connection_info": "Direction, boundary, protocol and Community ID",
    "unmapped": "Fields without an attribute in OCSF",
}


def ocsf(all_fields: str) -> View:
    """Return the view with an OCSF event for each record. Its columns are the attributes of the event.

    Args:
        all_fields: Full name of the view with all fields, quoted for SQL.
    """
    source = all_fields
    for step in STEPS:
        source = f"(SELECT *, {', '.join(f'{sql} AS {name}' for name, sql in step.items())} FROM {source})"
    columns = tuple(Column(name, type_, _COMMENTS.get(name, f"OCSF {name}")) for name, type_, _ in ATTRIBUTES)
    query = f"SELECT {', '.join(f'{sql} AS `{name}`' for name, _, sql in ATTRIBUTES)} FROM {source}"
    return View(OCSF, "The records as events of OCSF 1.8.0, class Network Activity (4001)", columns, query)
