"""Generated records follow the AWS documentation of record values in every format."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest

from local.traffic.records import Network, records
from local.traffic.zones import az_id
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT

START = 1_793_577_300
VPC_FIELDS = [field.name for field in FIELDS if field.scope != "tgw"]
NETWORK = Network.seeded(7)


def draw_rows(fields: Any, count: int = 20_000, **options: Any) -> list[dict[str, Any]]:
    table = records(NETWORK, fields, **{"start": START, "seconds": 300, "count": count, "seed": 11} | options)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.fixture(scope="module")
def vpc() -> list[dict[str, Any]]:
    return draw_rows(VPC_FIELDS)


@pytest.fixture(scope="module")
def flows(vpc: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in vpc if row["log-status"] == "OK"]


@pytest.fixture(scope="module")
def gateway() -> list[dict[str, Any]]:
    return draw_rows(TGW_DEFAULT_FORMAT)


def test_each_field_has_its_catalog_type_and_an_unknown_field_is_text() -> None:
    table = records(
        NETWORK, [*(field.name for field in FIELDS), "My_Field"], start=START, seconds=300, count=50, seed=1
    )
    types = {"INT": pa.int32(), "BIGINT": pa.int64(), "STRING": pa.string()}
    assert table.column_names == [*(field.name for field in FIELDS), "my-field"]
    assert [column.type for column in table.columns] == [types[field.type] for field in FIELDS] + [pa.string()]


def test_every_field_has_values_and_only_the_required_fields_always_have_one() -> None:
    table = records(NETWORK, [field.name for field in FIELDS], start=START, seconds=300, count=50_000, seed=1)
    empty = [name for name in table.column_names if table[name].null_count == table.num_rows]
    full = [name for name in table.column_names if table[name].null_count == 0]
    assert empty == []
    assert full == ["version", "account-id", "start", "end", "log-status", "region"]


def test_equal_arguments_give_equal_records_and_another_seed_gives_different_ones() -> None:
    options: dict[str, Any] = {"start": START, "seconds": 300, "count": 500}
    first, second, other = (
        records(Network.seeded(network), VPC_FIELDS, seed=seed, **options) for network, seed in ((7, 1), (7, 1), (7, 2))
    )
    assert first.equals(second)
    assert not first.equals(other)


def test_a_seed_gives_the_same_flows_in_every_format_of_a_vpc() -> None:
    wide, narrow = draw_rows(VPC_FIELDS, 300), draw_rows(["dstaddr", "bytes"], 300)
    assert [(row["dstaddr"], row["bytes"]) for row in wide] == [(row["dstaddr"], row["bytes"]) for row in narrow]


def test_version_is_the_highest_version_of_the_fields() -> None:
    assert {row["version"] for row in draw_rows(DEFAULT_FORMAT, 10)} == {2}
    assert {row["version"] for row in draw_rows(["version", "az-id", "vpc-id"], 10)} == {4}
    assert {row["version"] for row in draw_rows(["version", "unheard-of"], 10)} == {2}


@pytest.mark.parametrize("aggregation", [60, 600])
def test_records_end_in_the_requested_period_and_are_shorter_than_the_aggregation_interval(aggregation: int) -> None:
    rows = draw_rows(["start", "end"], 5000, aggregation_seconds=aggregation)
    assert all(START <= row["end"] < START + 300 for row in rows)
    assert all(0 <= row["end"] - row["start"] < aggregation for row in rows)


def test_nodata_and_skipdata_records_have_an_interface_and_times_but_no_flow(vpc: list[dict[str, Any]]) -> None:
    silent = [row for row in vpc if row["log-status"] != "OK"]
    flow = (
        "srcaddr dstaddr srcport dstport protocol packets bytes action tcp-flags type pkt-srcaddr "
        "flow-direction traffic-path next-hop-interface-id encryption-status"
    )
    assert {row["log-status"] for row in silent} == {"NODATA", "SKIPDATA"}
    assert all(row[name] is None for row in silent for name in flow.split())
    assert all(row["account-id"] and row["version"] and row["end"] > row["start"] for row in silent)
    assert all(row["interface-id"] or row["resource-id"] for row in silent)


def test_flows_use_tcp_udp_and_icmp_and_icmp_has_no_ports(flows: list[dict[str, Any]]) -> None:
    assert {row["protocol"] for row in flows} == {1, 6, 17, 58}
    for row in flows:
        pings = row["protocol"] in (1, 58)
        assert (row["srcport"] == row["dstport"] == 0) is pings
        assert 0 <= row["srcport"] <= 65535
        assert 0 <= row["dstport"] <= 65535


def test_tcp_flags_are_documented_values_and_zero_without_tcp(flows: list[dict[str, Any]]) -> None:
    assert {row["tcp-flags"] for row in flows if row["protocol"] == 6} == {None, 0, 1, 2, 3, 4, 7, 18, 19}
    assert {row["tcp-flags"] for row in flows if row["protocol"] != 6} <= {None, 0}
    # A SYN-ACK comes from the side that has the service's port.
    assert all(row["srcport"] < 32768 for row in flows if row["tcp-flags"] in (18, 19))


def test_scans_are_rejected_on_commonly_scanned_ports(flows: list[dict[str, Any]]) -> None:
    scans = [row for row in flows if row["srcaddr"].startswith("198.51.100.") and row["protocol"] == 6]
    assert {22, 3389, 445} <= {row["dstport"] for row in scans}
    assert {row["action"] for row in scans} == {"REJECT"}
    assert {row["flow-direction"] for row in scans} == {"ingress"}
    assert {row["tcp-flags"] for row in scans} <= {2, None}
    assert not [row for row in flows if row["dstaddr"].startswith("198.51.100.")]


def test_type_matches_the_addresses(flows: list[dict[str, Any]]) -> None:
    assert {row["type"] for row in flows} == {"IPv4", "IPv6"}
    for row in flows:
        addresses = [row[name] for name in ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")]
        assert {":" in address for address in addresses} == {row["type"] == "IPv6"}
        assert addresses[0] != addresses[1]


def test_only_egress_has_a_traffic_path(flows: list[dict[str, Any]]) -> None:
    assert {row["traffic-path"] for row in flows if row["flow-direction"] == "ingress"} == {None}
    assert {row["traffic-path"] for row in flows if row["flow-direction"] == "egress"} == {1, 3, 4, 5, 6, 7, 8}
    s3 = [row for row in flows if row["pkt-dst-aws-service"] == "S3"]
    assert {(row["flow-direction"], row["traffic-path"]) for row in s3} == {("egress", 7)}


def test_egress_leaves_from_and_ingress_arrives_at_the_recording_interface(flows: list[dict[str, Any]]) -> None:
    address_of: dict[str, set[str]] = {}
    for endpoint in NETWORK.endpoints:
        address_of.setdefault(endpoint.facts.get("interface-id", ""), set()).add(endpoint.address)
    for row in flows:
        if row["interface-id"]:
            address = row["srcaddr"] if row["flow-direction"] == "egress" else row["dstaddr"]
            assert address in address_of[row["interface-id"]]


def test_packet_addresses_differ_only_at_gateways(flows: list[dict[str, Any]]) -> None:
    differing = [r for r in flows if (r["srcaddr"], r["dstaddr"]) != (r["pkt-srcaddr"], r["pkt-dstaddr"])]
    assert {row["interface-type"] for row in differing} == {"nat_gateway", "transit_gateway"}
    assert {row["instance-id"] for row in differing} == {None}


def test_a_regional_nat_gateway_has_a_resource_id_and_no_interface(flows: list[dict[str, Any]]) -> None:
    regional = [row for row in flows if row["interface-type"] == "regional_nat_gateway"]
    assert {(row["interface-id"], row["subnet-id"], row["instance-id"]) for row in regional} == {(None, None, None)}
    assert all(row["resource-id"].startswith("nat-") for row in regional)
    assert {row["resource-id"] for row in flows if row not in regional} == {None}


def test_the_next_hop_is_another_interface_of_the_network(flows: list[dict[str, Any]]) -> None:
    hops = [row for row in flows if row["next-hop-interface-id"]]
    assert all(row["next-hop-interface-id"] != row["interface-id"] for row in hops)
    assert all(row["next-hop-vpc-id"] == NETWORK.vpc_id for row in hops)
    # An internet gateway has no interface.
    assert {row["next-hop-interface-id"] for row in flows if row["traffic-path"] in (7, 8)} == {None}
    assert {row["next-hop-interface-type"] for row in flows} >= {"nat_gateway", "transit_gateway", "vpc_endpoint", None}


def test_blocked_public_access_has_a_reject_reason_and_no_bytes(flows: list[dict[str, Any]]) -> None:
    assert {row["reject-reason"] for row in flows} == {None, "BPA", "EC"}
    assert {row["action"] for row in flows if row["reject-reason"]} == {"REJECT"}
    assert {row["reject-reason"] for row in flows if row["bytes"] is None} == {"BPA"}
    assert all(row["bytes"] >= 40 * row["packets"] for row in flows if row["bytes"] is not None)


def test_a_local_zone_has_a_sublocation_and_no_zone_id(flows: list[dict[str, Any]]) -> None:
    local_rows = [row for row in flows if row["sublocation-type"]]
    assert {(row["sublocation-type"], row["az-id"]) for row in local_rows} == {("localzone", None)}
    assert all(row["sublocation-id"] for row in local_rows)


def test_ecs_fields_are_consistent_and_fargate_has_no_container_instance(flows: list[dict[str, Any]]) -> None:
    tasks = [row for row in flows if row["ecs-task-id"]]
    assert all(row["ecs-task-arn"].endswith("/" + row["ecs-task-id"]) for row in tasks)
    assert {bool(row["ecs-container-instance-id"]) for row in tasks} == {True, False}
    assert all(bool(r["ecs-container-instance-id"]) == bool(r["ecs-container-instance-arn"]) for r in tasks)
    assert {row["ecs-cluster-name"] for row in flows if not row["ecs-task-id"]} == {None}


def test_tag_values_are_percent_encoded_and_no_value_has_a_space(flows: list[dict[str, Any]]) -> None:
    tags = {row["instance-tag"] for row in flows if row["instance-tag"]}
    assert any("%20" in tag for tag in tags)
    assert all(re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+", tag) for tag in tags)
    assert "Küche & Co" in map(unquote, tags)
    assert not [value for row in flows for value in row.values() if isinstance(value, str) and re.search(r"\s", value)]


def test_encryption_status_is_one_of_four_values_or_missing(flows: list[dict[str, Any]]) -> None:
    assert {row["encryption-status"] for row in flows} == {None, 0, 1, 2, 3}


def test_some_counters_exceed_32_bits(flows: list[dict[str, Any]]) -> None:
    assert max(row["bytes"] or 0 for row in flows) > 1 << 32


def test_transit_gateway_records_name_the_attachment_and_its_pair_by_direction(gateway: list[dict[str, Any]]) -> None:
    attachment_of = {e.address: e.facts["tgw-attachment-id"] for e in NETWORK.endpoints if "tgw-vpc-id" in e.facts}
    for row in gateway:
        assert (row["resource-type"], row["tgw-id"]) == ("TransitGateway", NETWORK.transit_gateway_id)
        assert row["version"] == 6
        if row["log-status"] == "OK":
            near, far = ("srcaddr", "dstaddr") if row["flow-direction"] == "ingress" else ("dstaddr", "srcaddr")
            assert row["tgw-attachment-id"] == attachment_of[row[near]]
            assert row["tgw-pair-attachment-id"] == attachment_of.get(row[far])
            assert (row["tgw-dst-vpc-id"] is None) is (row["dstaddr"] not in attachment_of)


def test_lost_packets_do_not_exceed_the_packets_of_the_record(gateway: list[dict[str, Any]]) -> None:
    lost = [name for name in TGW_DEFAULT_FORMAT if name.startswith("packets-lost-")]
    flows = [row for row in gateway if row["log-status"] == "OK"]
    assert all(sum(row[name] for name in lost) <= row["packets"] for row in flows)
    assert all(any(row[name] for row in flows) for name in lost)


def test_account_ids_keep_leading_zeros_and_may_be_unknown(
    vpc: list[dict[str, Any]], gateway: list[dict[str, Any]]
) -> None:
    assert {row["account-id"] for row in vpc} == {NETWORK.account, "unknown"}
    assert any((row["tgw-src-vpc-account-id"] or "").startswith("0") for row in gateway)


def test_formats_with_vpc_and_transit_gateway_fields_mix_records_of_both() -> None:
    for row in draw_rows([field.name for field in FIELDS], 2000):
        scopes = {BY_NAME[name].scope for name, value in row.items() if value is not None}
        assert scopes in ({"both", "vpc"}, {"both", "tgw"})


@pytest.mark.parametrize("action", ["ACCEPT", "REJECT"])
def test_a_flow_log_of_one_action_has_only_that_action(action: str) -> None:
    assert {row["action"] for row in draw_rows(DEFAULT_FORMAT, 3000, traffic=action)} == {action, None}


def test_a_flow_log_of_a_subnet_or_an_interface_has_only_its_own_traffic() -> None:
    network = Network.seeded(3, subnet_id="subnet-0123456789abcdef0", interface_id="eni-0123456789abcdef0")
    options: dict[str, Any] = {"start": START, "seconds": 300, "count": 1000, "seed": 1}
    of_subnet = records(network, ["subnet-id"], target="subnet-0123456789abcdef0", **options)
    of_interface = records(network, ["interface-id"], target="eni-0123456789abcdef0", **options)
    assert set(of_subnet["subnet-id"].to_pylist()) == {"subnet-0123456789abcdef0"}
    assert set(of_interface["interface-id"].to_pylist()) == {"eni-0123456789abcdef0"}


def test_a_flow_log_of_an_attachment_has_only_the_records_of_that_attachment() -> None:
    network = Network.seeded(3, attachment_id="tgw-attach-0123456789abcdef0")
    fields = ["tgw-attachment-id", "flow-direction"]
    table = records(network, fields, target="tgw-attach-0123456789abcdef0", start=START, seconds=300, count=500, seed=1)
    assert set(table["tgw-attachment-id"].to_pylist()) == {"tgw-attach-0123456789abcdef0"}


def test_an_unknown_resource_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="subnet-dead"):
        draw_rows(DEFAULT_FORMAT, 10, target="subnet-dead")


@pytest.mark.parametrize(
    ("region", "expected"),
    [("us-east-1", "use1-az2"), ("ap-southeast-2", "apse2-az2"), ("us-gov-west-1", "usgw1-az2")],
)
def test_zone_ids_have_the_spelling_of_aws(region: str, expected: str) -> None:
    assert az_id(region, 2) == expected
