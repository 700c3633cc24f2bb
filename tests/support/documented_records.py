"""The example records of AWS's documentation about NAT gateways, transit gateways and paths, for the tests of answers.

The documentation prints them in formats without the fields of version 11. Their values are added here, as AWS
describes them, together with sizes that distinguish the records.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

from __future__ import annotations

from tests.support.answer_records import EVERY_VPC_FIELD, Record, Value, record

_NAT = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
_REGIONAL = "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
_TRANSIT = (
    "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags "
    "type pkt-srcaddr pkt-dstaddr action log-status"
)
_PATH = (
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id "
    "instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr "
    "pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"
)


def _documented(format_: str, line: str, **added: Value) -> Record:
    printed = dict(zip(format_.split(), line.split(), strict=True))
    values: dict[str, Value] = {name.replace("-", "_"): text for name, text in printed.items() if text != "-"}
    for name in ("start", "end", "version"):
        values.pop(name, None)  # all tests use one day
    return record(EVERY_VPC_FIELD, **{"action": "ACCEPT", **values, **added})


_INTO: dict[str, Value] = {"flow_direction": "ingress"}
_OUT: dict[str, Value] = {"flow_direction": "egress"}
_OWN: dict[str, Value] = {"interface_type": "nat_gateway"}
_OWN_REGIONAL: dict[str, Value] = {"interface_type": "regional_nat_gateway"}
_HOP: dict[str, Value] = {"next_hop_interface_type": "nat_gateway"}
_HOP_REGIONAL: dict[str, Value] = {"next_hop_interface_type": "regional_nat_gateway"}

DOCUMENTED = [
    # A zonal NAT gateway, at its own interface and at that of the instance.
    _documented(_NAT, "- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5", bytes=11, **_INTO, **_OWN),
    _documented(_NAT, "- eni-1235b8ca123456789 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5", bytes=12, **_OUT, **_OWN,
                traffic_path=8),
    _documented(_NAT, "- eni-1235b8ca123456789 203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220", bytes=13, **_INTO,
                **_OWN),
    _documented(_NAT, "- eni-1235b8ca123456789 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5", bytes=14, **_OUT, **_OWN,
                traffic_path=1),
    _documented(_NAT, "i-01234567890123456 eni-1111aaaa2222bbbb3 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5", bytes=1500,
                **_OUT, **_HOP, traffic_path=1),
    _documented(_NAT, "i-01234567890123456 eni-1111aaaa2222bbbb3 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5", bytes=1600,
                **_INTO, **_HOP),
    # A regional NAT gateway.
    _documented(_REGIONAL, "nat-1234567890abcdef - - - 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5", bytes=21, **_INTO,
                **_OWN_REGIONAL),
    _documented(_REGIONAL, "nat-1234567890abcdef - - - 107.22.182.139 203.0.113.5 107.22.182.139 203.0.113.5", bytes=22,
                **_OUT, **_OWN_REGIONAL, traffic_path=8),
    _documented(_REGIONAL, "nat-1234567890abcdef - - - 203.0.113.5 107.22.182.139 203.0.113.5 107.22.182.139", bytes=23,
                **_INTO, **_OWN_REGIONAL),
    _documented(_REGIONAL, "nat-1234567890abcdef - - - 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5", bytes=24, **_OUT,
                **_OWN_REGIONAL, traffic_path=1),
    _documented(_REGIONAL, "- i-01234567890123456 eni-1111aaaa2222bbbb3 subnet-aaaaaaaa012345678 10.0.1.5 203.0.113.5 "
                "10.0.1.5 203.0.113.5", bytes=25_000, **_OUT, **_HOP_REGIONAL, traffic_path=1),
    _documented(_REGIONAL, "- i-01234567890123456 eni-1111aaaa2222bbbb3 subnet-aaaaaaaa012345678 203.0.113.5 10.0.1.5 "
                "203.0.113.5 10.0.1.5", bytes=26_000, **_INTO, **_HOP_REGIONAL),
    # A transit gateway: at the server's interface, and at the two interfaces of the transit gateway.
    _documented(_TRANSIT, "3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb "
                "i-01234567890123456 10.20.33.164 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK",
                bytes=31, **_INTO),
    _documented(_TRANSIT, "3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb "
                "i-01234567890123456 10.40.2.236 10.20.33.164 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK",
                bytes=32, **_OUT, next_hop_interface_type="transit_gateway"),
    _documented(_TRANSIT, "3 eni-11111111111111111 123456789010 vpc-abcdefab012345678 subnet-11111111aaaaaaaaa - "
                "10.40.1.175 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK", bytes=31, **_OUT,
                interface_type="transit_gateway"),
    _documented(_TRANSIT, "3 eni-22222222222222222 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb - "
                "10.40.2.236 10.40.2.31 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK", bytes=32, **_INTO,
                interface_type="transit_gateway"),
    # S3, through an internet gateway.
    _documented(_PATH, "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 "
                "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
                "ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK"),
    _documented(_PATH, "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 "
                "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
                "ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK"),
]  # fmt: skip
"""The records, in the order of the documentation."""
