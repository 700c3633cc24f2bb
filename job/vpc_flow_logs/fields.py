"""The fields of VPC and transit gateway flow logs, and the comparison of their names.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html and
https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

# name | column type | flow log version | scope (vpc, tgw or both) | meaning
_FIELD_LIST = """
version | INT | 2 | both | Flow log version = highest version among the chosen fields; 2 for the default format
account-id | STRING | 2 | both | AWS account ID of the owner of the source interface (TGW: owner of the source transit gateway); may be 'unknown' for AWS-created interfaces (VPC endpoint, NLB)
interface-id | STRING | 2 | vpc | ID of the network interface the traffic is recorded for; '-' for a regional NAT gateway
srcaddr | STRING | 2 | both | Source IP; for outgoing traffic the private IPv4 or the IPv6 address of the recording interface
dstaddr | STRING | 2 | both | Destination IP; for incoming traffic the (primary private) address of the recording interface
srcport | INT | 2 | both | Source port (0 for ICMP)
dstport | INT | 2 | both | Destination port (0 for ICMP)
protocol | INT | 2 | both | IANA protocol number
packets | BIGINT | 2 | both | Packets transferred during the flow
bytes | BIGINT | 2 | both | Bytes transferred during the flow (absent for flows rejected by VPC BPA)
start | BIGINT | 2 | both | Unix seconds when the first packet was received in the aggregation interval (up to 60 s off)
end | BIGINT | 2 | both | Unix seconds when the last packet was received in the aggregation interval (up to 60 s late)
action | STRING | 2 | vpc | ACCEPT or REJECT (REJECT also when packets arrive after the connection is closed)
log-status | STRING | 2 | both | OK, NODATA or SKIPDATA
vpc-id | STRING | 3 | vpc | VPC that contains the interface
subnet-id | STRING | 3 | vpc | Subnet that contains the interface; '-' for a regional NAT gateway
instance-id | STRING | 3 | vpc | Instance attached to the interface, if owned by you; '-' for a requester-managed interface
tcp-flags | INT | 3 | both | Bitmask FIN 1, SYN 2, RST 4, SYN-ACK 18 (TGW docs list also PSH 8, ACK 16, URG 32); OR-ed over the interval; 0 when none or only unsupported flags; '-' when the combination is invalid
type | STRING | 3 | both | IPv4, IPv6 or EFA
pkt-srcaddr | STRING | 3 | vpc | Packet-level (original) source IP; differs from srcaddr behind NAT/TGW/EKS pods
pkt-dstaddr | STRING | 3 | vpc | Packet-level (original) destination IP
region | STRING | 4 | both | Region that contains the interface or transit gateway
az-id | STRING | 4 | vpc | AZ ID of the interface; '-' when the traffic is from a sublocation
sublocation-type | STRING | 4 | vpc | wavelength, outpost or localzone; else '-'
sublocation-id | STRING | 4 | vpc | ID of the sublocation; else '-'
pkt-src-aws-service | STRING | 5 | both | AWS service name of the IP range of pkt-srcaddr (TGW: srcaddr), e.g. S3, EC2, AMAZON
pkt-dst-aws-service | STRING | 5 | both | AWS service name of the IP range of pkt-dstaddr (TGW: dstaddr)
flow-direction | STRING | 5 | both | ingress or egress, relative to the interface (or transit gateway)
traffic-path | INT | 5 | vpc | Path of egress traffic: 1 same-VPC resource (or Outpost LGW), 2 IGW or gateway endpoint, 3 VGW, 4 intra-region peering, 5 inter-region peering, 6 Local/Wavelength Zone, 7 gateway endpoint, 8 IGW; '-' otherwise and for ingress
resource-type | STRING | 6 | tgw | Type of the resource of the subscription: TransitGateway
tgw-id | STRING | 6 | tgw | Transit gateway ID
tgw-attachment-id | STRING | 6 | tgw | Transit gateway attachment ID
tgw-src-vpc-account-id | STRING | 6 | tgw | Account of the source VPC
tgw-dst-vpc-account-id | STRING | 6 | tgw | Account of the destination VPC
tgw-src-vpc-id | STRING | 6 | tgw | Source VPC ID
tgw-dst-vpc-id | STRING | 6 | tgw | Destination VPC ID
tgw-src-subnet-id | STRING | 6 | tgw | Source subnet ID
tgw-dst-subnet-id | STRING | 6 | tgw | Destination subnet ID
tgw-src-eni | STRING | 6 | tgw | ENI of the source attachment
tgw-dst-eni | STRING | 6 | tgw | ENI of the destination attachment
tgw-src-az-id | STRING | 6 | tgw | AZ ID of the source
tgw-dst-az-id | STRING | 6 | tgw | AZ ID of the destination
tgw-pair-attachment-id | STRING | 6 | tgw | The paired egress or ingress attachment ID, by flow direction
packets-lost-no-route | BIGINT | 6 | tgw | Packets lost: no route
packets-lost-blackhole | BIGINT | 6 | tgw | Packets lost: black hole
packets-lost-mtu-exceeded | BIGINT | 6 | tgw | Packets lost: MTU exceeded
packets-lost-ttl-expired | BIGINT | 6 | tgw | Packets lost: TTL expired
ecs-cluster-arn | STRING | 7 | vpc | ECS cluster ARN (task in awsvpc mode)
ecs-cluster-name | STRING | 7 | vpc | ECS cluster name
ecs-container-instance-arn | STRING | 7 | vpc | ECS container instance ARN; '-' on Fargate
ecs-container-instance-id | STRING | 7 | vpc | ECS container instance ID; '-' on Fargate
ecs-container-id | STRING | 7 | vpc | Docker runtime ID of the first container
ecs-second-container-id | STRING | 7 | vpc | Docker runtime ID of the second container
ecs-service-name | STRING | 7 | vpc | ECS service name; '-' when no service started the task
ecs-task-definition-arn | STRING | 7 | vpc | ECS task definition ARN
ecs-task-arn | STRING | 7 | vpc | ECS task ARN
ecs-task-id | STRING | 7 | vpc | ECS task ID
reject-reason | STRING | 8 | vpc | BPA (VPC Block Public Access) or EC (encryption controls); '-' for any other reason
resource-id | STRING | 9 | vpc | Regional NAT gateway ID (nat-...); '-' otherwise
encryption-status | INT | 10 | vpc | 0 not encrypted, 1 nitro, 2 application, 3 both; '-' when unknown or VPC Encryption Controls off
instance-tag | STRING | 11 | vpc | Value of the 1st instance tag key of TagFieldSpecifications; percent-encoded UTF-8
instance-tag-2 | STRING | 11 | vpc | Value of the 2nd instance tag key
interface-tag | STRING | 11 | vpc | Value of the 1st network-interface tag key
interface-tag-2 | STRING | 11 | vpc | Value of the 2nd network-interface tag key
asg-tag | STRING | 11 | vpc | Value of the 1st auto-scaling-group tag key
asg-tag-2 | STRING | 11 | vpc | Value of the 2nd auto-scaling-group tag key
interface-type | STRING | 11 | vpc | Type of the recording interface: nat_gateway, network_load_balancer, regional_nat_gateway, transit_gateway, vpc_endpoint; else '-'
next-hop-interface-id | STRING | 11 | vpc | Next-hop interface: receiver for egress, sender for ingress
next-hop-subnet-id | STRING | 11 | vpc | Subnet of the next-hop interface
next-hop-az-id | STRING | 11 | vpc | AZ ID of the next-hop interface
next-hop-vpc-id | STRING | 11 | vpc | VPC of the next-hop interface
next-hop-interface-type | STRING | 11 | vpc | Type of the next-hop interface; values as interface-type
"""

# Spellings in the 2020 guide that differ from AWS's spelling by more than `-` and `_`.
_ALIASES = {"accountid": "account-id", "interfaceid": "interface-id", "logstatus": "log-status"}

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Field:
    """One field of flow log records.

    Attributes:
        name: The field name as AWS spells it.
        column: Name of the table column for the field.
        type: SQL type of the column: INT, BIGINT or STRING.
        version: The flow log version that introduced the field.
        scope: The flow logs that have the field: ``vpc``, ``tgw`` or ``both``.
        meaning: A description of the field; used as the comment of the column.
    """

    name: str
    column: str
    type: str
    version: int
    scope: str
    meaning: str


def _parse(text: str) -> tuple[Field, ...]:
    rows = (line.split(" | ", 4) for line in text.strip().splitlines())
    return tuple(
        Field(
            name=name, column=name.replace("-", "_"), type=type_, version=int(version), scope=scope, meaning=meaning
        )
        for name, type_, version, scope, meaning in rows
    )


FIELDS: tuple[Field, ...] = _parse(_FIELD_LIST)
"""All 72 fields, in the order of the AWS documentation."""

SERVICE_COLUMNS = ("event_time", "other_fields", "source_file", "ingested_at")
"""Columns that the job adds to the table. No field can have one of these names."""

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

DEFAULT_FORMAT: tuple[str, ...] = tuple(field.name for field in FIELDS if field.version == 2)
"""AWS's default format of VPC, subnet and interface flow logs: the 14 fields of version 2."""

TGW_DEFAULT_FORMAT: tuple[str, ...] = (
    "version",
    "resource-type",
    "account-id",
    "tgw-id",
    "tgw-attachment-id",
    "tgw-src-vpc-account-id",
    "tgw-dst-vpc-account-id",
    "tgw-src-vpc-id",
    "tgw-dst-vpc-id",
    "tgw-src-subnet-id",
    "tgw-dst-subnet-id",
    "tgw-src-eni",
    "tgw-dst-eni",
    "tgw-src-az-id",
    "tgw-dst-az-id",
    "tgw-pair-attachment-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "log-status",
    "type",
    "packets-lost-no-route",
    "packets-lost-blackhole",
    "packets-lost-mtu-exceeded",
    "packets-lost-ttl-expired",
    "tcp-flags",
    "region",
    "flow-direction",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
)
"""AWS's default format of transit gateway flow logs: 36 fields, in the order of the AWS documentation."""


def looks_like_name(token: str) -> bool:
    """Return whether a token could be a field name: a letter, then letters, digits and single ``-`` or ``_``."""
    return _NAME.fullmatch(token) is not None


def canonical(name: str) -> str:
    """Return the spelling used to compare names: lowercase, ``-`` for ``_``, the guide's spellings corrected.

    >>> canonical("Account_ID"), canonical("logstatus"), canonical("my_own_field")
    ('account-id', 'log-status', 'my-own-field')
    """
    spelled = name.lower().replace("_", "-")
    return _ALIASES.get(spelled, spelled)


def spellings(name: str) -> tuple[str, ...]:
    """Return the spellings of a field's name that occur in files: with ``-``, with ``_``, and that of the guide.

    >>> spellings("account-id"), spellings("bytes")
    (('account-id', 'account_id', 'accountid'), ('bytes',))
    """
    field = canonical(name)
    guide = [alias for alias, meant in _ALIASES.items() if meant == field]
    return tuple(dict.fromkeys([field, field.replace("-", "_"), *guide]))


def is_known(name: str) -> bool:
    """Return whether AWS documents a field of this name, in any spelling."""
    return canonical(name) in BY_NAME


def suggestion(name: str) -> str | None:
    """Return the documented field that an unknown name is probably a misspelling of; None if there is none.

    >>> suggestion("scraddr"), suggestion("srcaddr"), suggestion("my-own-field")
    ('srcaddr', None, None)
    """
    close = [] if is_known(name) else get_close_matches(canonical(name), BY_NAME, n=1, cutoff=0.8)
    return close[0] if close else None


def column_name(name: str) -> str:
    """Return the name of the table column for a field: its canonical name with ``_`` for ``-``."""
    return canonical(name).replace("-", "_")


def column_type(name: str) -> str:
    """Return the SQL type of a field's column: INT, BIGINT or STRING. Undocumented fields are STRING."""
    field = BY_NAME.get(canonical(name))
    return field.type if field else "STRING"
