"""The view of OCSF events: each record becomes a valid event of class Network Activity, with exact values."""

from __future__ import annotations

import json
from typing import Any

import communityid
import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pyspark.sql import SparkSession

from tests.support.answer_records import (
    EVERY_VPC_FIELD,
    GROUPS,
    NOON,
    Record,
    Value,
    flow,
    parquet_file,
    record,
    text_file,
)
from tests.support.documented_records import DOCUMENTED
from tests.support.ingesting import Place, ingest
from vpc_flow_logs.answers import ocsf
from vpc_flow_logs.answers.statements import statements
from vpc_flow_logs.fields import DEFAULT_FORMAT, TGW_DEFAULT_FORMAT

pytestmark = pytest.mark.lts

Event = dict[str, Any]

PROFILES = ["cloud", "security_control"]
OWN: dict[str, Value] = {
    "interface_id": "eni-1", "instance_id": "i-1", "vpc_id": "vpc-1", "subnet_id": "subnet-1", "az_id": "use1-az1",
    "region": "us-east-1", "type": "IPv4",
}  # fmt: skip
PLACE = {"interface_uid": "eni-1", "instance_uid": "i-1", "vpc_uid": "vpc-1", "subnet_uid": "subnet-1",
         "zone": "use1-az1"}  # fmt: skip
TGW: dict[str, Value] = {
    "resource_type": "TransitGateway", "tgw_id": "tgw-1", "tgw_attachment_id": "tgw-attach-1", "region": "us-east-1",
    "tgw_pair_attachment_id": "tgw-attach-2", "tgw_src_vpc_id": "vpc-a", "tgw_dst_vpc_id": "vpc-b",
    "tgw_src_subnet_id": "subnet-a", "tgw_dst_subnet_id": "subnet-b", "tgw_src_eni": "eni-a", "tgw_dst_eni": "eni-b",
    "tgw_src_az_id": "use1-az1", "tgw_dst_az_id": "use1-az2", "tgw_src_vpc_account_id": "012345678901",
    "tgw_dst_vpc_account_id": "210987654321", "type": "IPv4", "tcp_flags": 2, "packets_lost_no_route": 0,
    "packets_lost_blackhole": 7,
}  # fmt: skip


def vpc(path: str, **values: Value) -> Record:
    return flow(EVERY_VPC_FIELD, path, **{**OWN, **values})


# Each kind has its own destination port, by which its event is found; records without ports have their own status.
KINDS: dict[str, Record] = {
    "accepted, egress": vpc("10.0.0.5:40001 > 203.0.113.9:9001 6 3/300", flow_direction="egress", traffic_path=8,
                            tcp_flags=2, instance_tag="payments", encryption_status=0, next_hop_interface_id="eni-9"),
    "rejected, ingress": vpc("203.0.113.9:40002 > 10.0.0.5:9002 17 1/60", flow_direction="ingress", action="REJECT",
                             reject_reason="EC"),
    "blocked, without bytes": vpc("203.0.113.9:40003 > 10.0.0.5:9003 6 1/1", flow_direction="ingress", bytes=None,
                                  action="REJECT", reject_reason="BPA"),
    "IPv6": vpc("[2600:1f18::5]:40004 > [2600:9000::1]:9004 6 3/300", flow_direction="egress", type="IPv6",
                traffic_path=2),
    "NAT gateway, ingress": vpc("10.0.1.5:40005 > 10.0.0.220:9005 6 3/300", flow_direction="ingress",
                                pkt_srcaddr="10.0.1.5", pkt_dstaddr="203.0.113.5", pkt_dst_aws_service="S3",
                                instance_id=None, interface_type="nat_gateway"),
    "regional NAT gateway": vpc("10.0.1.5:40006 > 203.0.113.5:9006 6 3/300", flow_direction="ingress",
                                resource_id="nat-1", interface_id=None, subnet_id=None, instance_id=None),
    "default format": flow(DEFAULT_FORMAT, "10.0.0.5:40007 > 10.0.0.6:9007 132 3/300", interface_id="eni-1"),
    "EFA": vpc("10.0.0.5:40008 > 10.0.0.6:9008 6 3/300", flow_direction="egress", type="EFA", traffic_path=9),
    "transit gateway": flow(TGW_DEFAULT_FORMAT, "10.71.1.10:40009 > 10.72.1.10:9009 6 5/5100", **TGW,
                            flow_direction="ingress"),
}  # fmt: skip
STATUSES = {
    "NODATA": record(DEFAULT_FORMAT, interface_id="eni-1", log_status="NODATA"),
    "SKIPDATA": record(DEFAULT_FORMAT, interface_id="eni-2", log_status="SKIPDATA"),
    "nothing known": record(DEFAULT_FORMAT, log_status="SKIPDATA", account_id=None),
}
LISTED = [*KINDS.values(), *STATUSES.values()]


@pytest.fixture(scope="module")
def events(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """Load records of every kind, and return all events as JSON."""
    where = Place(tmp_path_factory.mktemp("ocsf"), "ocsf_events")
    by_format: dict[tuple[str, ...], list[Record]] = {}
    for each in [*LISTED, *DOCUMENTED, *(one for group in GROUPS for one in group)]:
        by_format.setdefault(tuple(each.format), []).append(each)
    for number, (format_, records) in enumerate(by_format.items()):
        name = f"012345678901_flow_us-east-1_fl-{number:017x}_20260308T1205Z.log"
        if format_ == TGW_DEFAULT_FORMAT:
            where.deliver(parquet_file(records), f"{name}.parquet")
        else:
            where.deliver(text_file(records), f"{name}.gz")
    ingest(spark, where)
    types = {name: type_.upper() for name, type_ in spark.table("ocsf_events").dtypes}
    for statement in statements("spark_catalog.default.ocsf_events", types):
        if statement.is_view:
            spark.sql(statement.sql)
    rows = spark.sql("SELECT to_json(struct(*)) AS event FROM ocsf_events_ocsf").collect()
    return [json.loads(row.event) for row in rows]


def event_of(events: list[Event], kind: str) -> Event:
    port = KINDS[kind].number("dstport")
    (event,) = (each for each in events if each.get("dst_endpoint", {}).get("port") == port)
    return event


def community_id(protocol: int, source: tuple[str, int], target: tuple[str, int]) -> str:
    flow_tuple = communityid.FlowTuple(protocol, source[0], target[0], source[1], target[1])
    return str(communityid.CommunityID().calc(flow_tuple))


def test_every_event_satisfies_the_schema_of_ocsf(events: list[Event]) -> None:
    assert len(events) == len(LISTED) + len(DOCUMENTED) + sum(map(len, GROUPS))
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    schema = schemas.get_class_schema(class_name="network_activity", profiles=PROFILES)
    validator = Draft202012Validator(schema)
    problems = [
        f"{event['type_uid']} {error.json_path}: {error.message}"
        for event in events
        for error in validator.iter_errors(event)
    ]
    assert problems == []
    # The validator is strict: it finds a wrong name, a wrong value and a missing attribute.
    wrong = {**events[0], "typo": 1, "severity_id": 77}
    del wrong["time"]
    assert len(list(validator.iter_errors(wrong))) == 3


def test_every_object_has_one_of_the_attributes_that_ocsf_requires(events: list[Event]) -> None:
    names = ("ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name", "domain")
    for event in events:
        assert event.keys() & {"src_endpoint", "dst_endpoint"}
        for key in ("src_endpoint", "dst_endpoint", "network_observation_point"):
            assert key not in event or event[key].keys() & set(names), event
        assert "account" not in event["cloud"] or event["cloud"]["account"]["uid"]
        assert event["metadata"]["product"]["name"]
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert all(value not in ({}, []) for value in event.values()), event


def test_an_accepted_flow_is_traffic_with_the_interface_on_the_side_of_its_direction(events: list[Event]) -> None:
    event = event_of(events, "accepted, egress")
    metadata = event.pop("metadata")
    assert (metadata["version"], metadata["profiles"]) == ("1.8.0", PROFILES)
    product = {"name": "Amazon VPC", "vendor_name": "AWS", "version": "2", "feature": {"name": "Flowlogs"}}
    assert metadata["product"] == product
    assert metadata["processed_time"] > event["time"]
    source, target = ("10.0.0.5", 40001), ("203.0.113.9", 9001)
    assert event == {
        "activity_id": 6, "activity_name": "Traffic", "category_uid": 4, "category_name": "Network Activity",
        "class_uid": 4001, "class_name": "Network Activity", "type_uid": 400106,
        "type_name": "Network Activity: Traffic", "severity_id": 1, "severity": "Informational",
        "time": NOON * 1000, "start_time": NOON * 1000, "end_time": (NOON + 60) * 1000, "duration": 60_000,
        "action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed", "status_code": "OK",
        "observation_point_id": 1,
        "src_endpoint": {"ip": "10.0.0.5", "port": 40001, **PLACE},
        "dst_endpoint": {"ip": "203.0.113.9", "port": 9001},
        "connection_info": {
            "direction_id": 2, "direction": "Outbound", "boundary_id": 11, "boundary": "Internet Gateway",
            "protocol_num": 6, "protocol_name": "tcp", "protocol_ver_id": 4, "protocol_ver": "IPv4", "tcp_flags": 2,
            "community_uid": community_id(6, source, target),
        },
        "traffic": {"bytes": 300, "packets": 3},
        "cloud": {"provider": "AWS", "account": {"uid": "012345678901", "type_id": 10, "type": "AWS Account"},
                  "region": "us-east-1", "zone": "use1-az1"},
        "unmapped": {"instance_tag": "payments", "encryption_status": 0, "next_hop_interface_id": "eni-9"},
    }  # fmt: skip


def test_a_rejected_flow_is_refused(events: list[Event]) -> None:
    event = event_of(events, "rejected, ingress")
    expected = {
        "activity_id": 5, "activity_name": "Refuse", "type_uid": 400105, "action_id": 2, "action": "Denied",
        "disposition_id": 2, "disposition": "Blocked", "status_detail": "EC", "observation_point_id": 2,
        "src_endpoint": {"ip": "203.0.113.9", "port": 40002},
        "dst_endpoint": {"ip": "10.0.0.5", "port": 9002, **PLACE},
    }  # fmt: skip
    assert {key: event.get(key) for key in expected} == expected
    assert event["connection_info"]["direction_id"] == 1
    assert (event["connection_info"]["boundary_id"], event["connection_info"]["boundary"]) == (99, "-")
    assert "unmapped" not in event
    assert event_of(events, "blocked, without bytes")["traffic"] == {"packets": 1}


def test_ipv6_and_efa_have_their_version(events: list[Event]) -> None:
    event = event_of(events, "IPv6")
    info = event["connection_info"]
    assert (info["protocol_ver_id"], info["protocol_ver"], info["boundary_id"]) == (6, "IPv6", 5)
    assert info["community_uid"] == community_id(6, ("2600:1f18::5", 40004), ("2600:9000::1", 9004))
    info = event_of(events, "EFA")["connection_info"]
    assert (info["protocol_ver_id"], info["protocol_ver"]) == (99, "EFA")
    assert (info["boundary_id"], info["boundary"]) == (99, "9")  # a path that AWS may add


def test_behind_a_nat_gateway_the_translated_address_is_intermediate(events: list[Event]) -> None:
    event = event_of(events, "NAT gateway, ingress")
    assert event["src_endpoint"] == {"ip": "10.0.1.5", "port": 40005}
    place = {key: value for key, value in PLACE.items() if key != "instance_uid"}
    assert event["dst_endpoint"] == {
        "ip": "203.0.113.5", "intermediate_ips": ["10.0.0.220"], "port": 9005, "svc_name": "S3", **place,
    }  # fmt: skip
    # The Community ID is that of the packets, which have the original addresses.
    uid = community_id(6, ("10.0.1.5", 40005), ("203.0.113.5", 9005))
    assert event["connection_info"]["community_uid"] == uid
    event = event_of(events, "regional NAT gateway")
    assert (event["observation_point_id"], event["network_observation_point"]) == (3, {"uid": "nat-1"})


def test_without_a_direction_the_interface_is_on_the_source(events: list[Event]) -> None:
    event = event_of(events, "default format")
    assert event["src_endpoint"] == {"ip": "10.0.0.5", "port": 40007, "interface_uid": "eni-1"}
    assert event["dst_endpoint"] == {"ip": "10.0.0.6", "port": 9007}
    assert "observation_point_id" not in event
    assert event["cloud"].keys() == {"provider", "account"}
    assert event["connection_info"] == {
        "direction_id": 0, "direction": "Unknown", "boundary_id": 99, "boundary": "-", "protocol_num": 132,
        "protocol_name": "sctp", "protocol_ver_id": 4, "protocol_ver": "IPv4",
        "community_uid": community_id(132, ("10.0.0.5", 40007), ("10.0.0.6", 9007)),
    }  # fmt: skip


def test_a_transit_gateway_record_has_no_action_and_its_own_endpoints(events: list[Event]) -> None:
    event = event_of(events, "transit gateway")
    assert (event["activity_id"], event["activity_name"]) == (6, "Traffic")
    assert not event.keys() & {"action_id", "action", "disposition_id", "disposition"}
    assert event["src_endpoint"] == {
        "ip": "10.71.1.10", "port": 40009, "interface_uid": "eni-a", "vpc_uid": "vpc-a", "subnet_uid": "subnet-a",
        "zone": "use1-az1",
    }  # fmt: skip
    assert event["dst_endpoint"] == {
        "ip": "10.72.1.10", "port": 9009, "interface_uid": "eni-b", "vpc_uid": "vpc-b", "subnet_uid": "subnet-b",
        "zone": "use1-az2",
    }  # fmt: skip
    assert event["connection_info"]["direction_id"] == 1
    assert (event["observation_point_id"], event["network_observation_point"]) == (3, {"uid": "tgw-attach-1"})
    assert event["unmapped"] == {
        "resource_type": "TransitGateway", "tgw_id": "tgw-1", "tgw_pair_attachment_id": "tgw-attach-2",
        "tgw_src_vpc_account_id": "012345678901", "tgw_dst_vpc_account_id": "210987654321",
        "packets_lost_no_route": 0, "packets_lost_blackhole": 7,
    }  # fmt: skip


def test_records_without_traffic_are_other_activity(events: list[Event]) -> None:
    silent = [event for event in events if event["status_code"] != "OK"]
    assert {(event["activity_id"], event["type_uid"]) for event in silent} == {(99, 400199)}
    assert all(event["activity_name"] == event["status_code"] for event in silent)
    assert not any(event.keys() & {"action_id", "traffic", "dst_endpoint"} for event in silent)
    sources = [event["src_endpoint"] for event in silent]
    assert {"interface_uid": "eni-1"} in sources
    assert {"name": "unknown"} in sources  # OCSF requires an endpoint
    assert any("account" not in event["cloud"] for event in silent)


def test_the_columns_of_the_view_have_their_types_and_comments(spark: SparkSession, events: list[Event]) -> None:
    schema = spark.table("ocsf_events_ocsf").schema.fields
    types = [(name, type_.lower().replace(": ", ":").replace(", ", ",")) for name, type_, _ in ocsf.ATTRIBUTES]
    assert [(field.name, field.dataType.simpleString()) for field in schema] == types
    assert all(field.metadata["comment"] for field in schema)
