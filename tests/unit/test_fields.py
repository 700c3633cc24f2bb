"""The field catalog: every documented field, its type, and the comparison of names."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from vpc_flow_logs.fields import (
    BY_NAME,
    DEFAULT_FORMAT,
    FIELDS,
    SERVICE_COLUMNS,
    TGW_DEFAULT_FORMAT,
    canonical,
    column_name,
    column_type,
    is_known,
    looks_like_name,
)

pytestmark = pytest.mark.lts


def test_the_catalog_has_all_72_documented_fields_by_version() -> None:
    assert len(FIELDS) == len(BY_NAME) == 72
    assert Counter(field.version for field in FIELDS) == {
        2: 14,
        3: 7,
        4: 4,
        5: 4,
        6: 18,
        7: 10,
        8: 1,
        9: 1,
        10: 1,
        11: 12,
    }


def test_54_fields_belong_to_vpc_logs_and_36_to_transit_gateway_logs() -> None:
    assert sum(field.scope in ("vpc", "both") for field in FIELDS) == 54
    assert sum(field.scope in ("tgw", "both") for field in FIELDS) == 36
    assert {field.scope for field in FIELDS} == {"vpc", "tgw", "both"}


def test_types_match_the_parquet_files_of_aws() -> None:
    ints = {field.name for field in FIELDS if field.type == "INT"}
    longs = {field.name for field in FIELDS if field.type == "BIGINT"}
    assert ints == {"version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path", "encryption-status"}
    assert longs == {
        *("packets", "bytes", "start", "end", "packets-lost-no-route", "packets-lost-blackhole"),
        *("packets-lost-mtu-exceeded", "packets-lost-ttl-expired"),
    }
    assert {field.type for field in FIELDS} == {"INT", "BIGINT", "STRING"}


def test_the_default_format_has_the_14_fields_of_version_2_in_aws_order() -> None:
    assert " ".join(DEFAULT_FORMAT) == (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol "
        "packets bytes start end action log-status"
    )


def test_the_default_format_of_a_transit_gateway_has_its_36_fields() -> None:
    assert len(TGW_DEFAULT_FORMAT) == len(set(TGW_DEFAULT_FORMAT)) == 36
    assert set(TGW_DEFAULT_FORMAT) == {field.name for field in FIELDS if field.scope in ("tgw", "both")}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_has_a_column_a_meaning_and_a_canonical_name(field: object) -> None:
    assert field.column == field.name.replace("-", "_") == column_name(field.name)  # type: ignore[attr-defined]
    assert field.meaning  # type: ignore[attr-defined]
    assert canonical(field.name) == field.name
    assert looks_like_name(field.name)
    assert field.column not in SERVICE_COLUMNS  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("account-id", "account-id"),
        ("account_id", "account-id"),
        ("ACCOUNT_ID", "account-id"),
        ("Account-Id", "account-id"),
        ("accountid", "account-id"),
        ("interfaceid", "interface-id"),
        ("logstatus", "log-status"),
        ("LogStatus", "log-status"),
        ("pkt_src-aws_service", "pkt-src-aws-service"),
        ("instance_tag_2", "instance-tag-2"),
        ("SrcAddr", "srcaddr"),
    ],
)
def test_case_separators_and_spellings_of_the_guide_do_not_matter(spelling: str, name: str) -> None:
    assert canonical(spelling) == name
    assert is_known(spelling)
    assert column_name(spelling) == name.replace("-", "_")


@pytest.mark.parametrize("name", ["my-field", "srcaddr2", "account-ids", "src-addr"])
def test_an_unknown_field_is_a_string(name: str) -> None:
    assert not is_known(name)
    assert column_type(name) == "STRING"


@pytest.mark.parametrize("token", ["a", "srcaddr", "tcp-flags", "x_1-b2", "A9", "instance-tag-2"])
def test_letters_digits_and_single_inner_separators_look_like_a_name(token: str) -> None:
    assert looks_like_name(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "-",
        "_",
        "9a",
        "-a",
        "a-",
        "_a",
        "a_",
        "a--b",
        "a__b",
        "a-_b",
        "a.b",
        "a b",
        "a\n",
        "é",
        "10.0.0.1",
        "a\u0661",
        "a/b",
    ],
)
def test_any_other_token_does_not_look_like_a_name(token: str) -> None:
    assert not looks_like_name(token)


@pytest.mark.parametrize("module", ["fields", "parameters", "paths", "logs_path"])
def test_modules_that_check_environment_files_import_neither_spark_nor_arrow(module: str) -> None:
    code = f"import sys, vpc_flow_logs.{module}; print(sorted({{'pyspark', 'pyarrow', 'numpy'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
