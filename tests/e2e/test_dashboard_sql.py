"""The SQL of every dataset of the dashboard on Spark, with the declared parameters, over records and their roll-up."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest
from pyspark.sql import SparkSession

from infra.dashboard.datasets import datasets
from infra.dashboard.document import document
from tests.support.answer_records import DAY, SINCE, Record, record, text_file
from tests.support.ingesting import Place, ingest
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.statements import sources_of, statements
from vpc_flow_logs.fields import FIELDS
from vpc_flow_logs.maintenance import rollup_state
from vpc_flow_logs.maintenance.rollup import roll_up
from vpc_flow_logs.maintenance.tables import target_of

HOUR = 3600
FIELDS_OF_VPCS = tuple(field.name for field in FIELDS if field.scope != "tgw")
FORMATS = (FIELDS_OF_VPCS, ("account-id", "vpc-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
           "bytes", "start", "end", "action", "log-status"))  # fmt: skip
NOW = SINCE + 2 * DAY + HOUR + HOUR // 2
"""The time of the maintenance run: the roll-up has the hours before 01:00 of the third day."""

FULL = "spark_catalog.default.dashboard"
VIEW = "dashboard_all_fields"
DOCUMENT = json.loads(document(FULL))
DATASETS = {dataset["name"]: dataset for dataset in DOCUMENT["datasets"]}
ANSWERS = {answer.name: answer for answer in catalog()}


def _records() -> list[Record]:
    """Return a record every two hours for three days, of two accounts, three VPCs and both actions."""
    made = []
    for number in range(36):
        second = number % 2
        values: dict[str, Any] = {
            "account_id": ("012345678901", "999988887777")[second],
            "vpc_id": f"vpc-{number % 3}",
            "action": "REJECT" if number % 5 == 0 else "ACCEPT",
            "srcaddr": f"10.0.0.{number % 4}",
            "dstaddr": ("52.95.128.179", "10.0.1.9")[number % 2],
            "srcport": 40_000 + number,
            "dstport": (443, 1, 8)[number % 3],
            "protocol": (6, 17, 1)[number % 3],
            "packets": 1 + number,
            "bytes": 1000 + number,
            "start": SINCE + number * 2 * HOUR + 60,
        }
        if not second:
            values |= {"next_hop_interface_type": "nat_gateway", "flow_direction": "egress", "traffic_path": 8,
                       "az_id": "use1-az1", "next_hop_az_id": "use1-az2", "type": "IPv4", "interface_id": "eni-1",
                       "pkt_dst_aws_service": "S3", "instance_id": "i-1", "encryption_status": 0}  # fmt: skip
        made.append(record(FORMATS[second], **values))
    return made


RECORDS = _records()


@pytest.fixture(scope="module")
def place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Load the records into a table with its views, and create an empty roll-up."""
    where = Place(tmp_path_factory.mktemp("dashboard"), "dashboard")
    for number, fields in enumerate(FORMATS):
        name = f"012345678901_vpcflowlogs_us-east-1_fl-{number:017x}_20260308T1205Z_1.log.gz"
        where.deliver(text_file([each for each in RECORDS if each.format == fields]), name)
    where.deliver(b"srcaddr dstaddr\n1 2 3\n", "012345678901_vpcflowlogs_us-east-1_fl-9_20260308T1205Z_0.log")
    ingest(spark, where)
    types = {name: type_.upper() for name, type_ in spark.table(where.table_name).dtypes}
    for statement in statements(FULL, types):
        if statement.is_view:
            spark.sql(statement.sql)
    rollup_state.create(spark, target_of(spark, table_name=where.table_name, path=where.delta))
    spark.catalog.cacheTable(VIEW)  # almost all datasets read it
    return where


def _run(
    spark: SparkSession, name: str, *, since: int = SINCE, until: int = SINCE + DAY, **filters: Sequence[str]
) -> Any:
    """Run a dataset with values for exactly the parameters that it declares, as the service binds them."""
    sql = "".join(DATASETS[name]["queryLines"])
    for parameter in DATASETS[name]["parameters"]:
        keyword = parameter["keyword"]
        if parameter.get("complexType") == "RANGE":
            for end, seconds in (("min", since), ("max", until)):
                sql = re.sub(rf":{keyword}\.{end}\b", f"timestamp_seconds({seconds})", sql)
        else:
            default = [each["value"] for each in parameter["defaultSelection"]["values"]["values"]]
            values = ", ".join(f"'{value}'" for value in filters.get(keyword, default))
            sql = re.sub(rf":{keyword}\b", f"CAST(array({values}) AS ARRAY<STRING>)", sql)
    return spark.sql(sql)


def _chosen(since: int, until: int, **filters: Sequence[str]) -> list[Record]:
    columns = {"account": "account-id", "vpc": "vpc-id", "action": "action"}
    return [
        each
        for each in RECORDS
        if since <= (each.number("start") or 0) < until
        and all(not values or each.get(columns[name]) in values for name, values in filters.items())
    ]


def _totals(records: Iterable[Record]) -> tuple[int, int, int, int]:
    chosen = list(records)
    packets, bytes_ = (sum(each.number(name) or 0 for each in chosen) for name in ("packets", "bytes"))
    return len(chosen), packets, bytes_, sum(each.get("action") == "REJECT" for each in chosen)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_runs_with_its_declared_parameters_and_has_the_columns_of_its_answer(
    spark: SparkSession, place: Place, name: str
) -> None:
    frame = _run(spark, name)
    columns = [(field.name, field.dataType.simpleString().upper()) for field in frame.schema.fields]
    answer = datasets()[name].answer
    assert columns == [(column.name, column.type) for column in answer.columns]
    rows = frame.collect()
    if name in ANSWERS and name != "freshness":
        window = {"since": _moment(SINCE), "until": _moment(SINCE + DAY)}
        expected = spark.sql(ANSWERS[name].bound(sources_of(FULL), window)).collect()
        assert Counter(map(str, rows)) == Counter(map(str, expected))


def test_answers_about_the_records_are_not_empty(spark: SparkSession, place: Place) -> None:
    for name in ("freshness", "nat_gateway_bytes", "rejected_sources", "top_talkers", "filter_values", "services"):
        assert _run(spark, name).count() > 0, name


ALL: dict[str, Any] = {"account": ["012345678901"], "vpc": ["vpc-1"], "action": ["ACCEPT"]}
"""Filters of which each leaves out records that the others select."""


@pytest.mark.parametrize(
    ("days", "filters"),
    [
        (1, {}),
        (1, ALL),
        (3, {}),
        (3, {"account": ["999988887777"]}),
        (3, {"vpc": ["vpc-0", "vpc-2"]}),
        (3, {"action": ["REJECT"]}),
        (3, {"account": ["none"]}),
        (3, ALL),
    ],
    ids=str,
)
def test_filters_select_records_of_a_day_and_of_a_longer_range(
    spark: SparkSession, place: Place, days: int, filters: dict[str, Any]
) -> None:
    until = SINCE + days * DAY
    (row,) = _run(spark, "totals", until=until, **filters).collect()
    assert tuple(row) == _totals(_chosen(SINCE, until, **filters))
    if filters == ALL:
        for left_out in ALL:
            others = {name: values for name, values in ALL.items() if name != left_out}
            assert _chosen(SINCE, until, **others) != _chosen(SINCE, until, **ALL)
        sources = _run(spark, "top_talkers", until=until, **filters).collect()
        expected = Counter(str(each.get("srcaddr")) for each in _chosen(SINCE, until, **filters))
        assert {row.srcaddr: row.records for row in sources} == dict(expected)


def test_buckets_are_hours_up_to_seven_days_and_days_after_that(spark: SparkSession, place: Place) -> None:
    for days, size in ((3, HOUR), (8, DAY)):
        rows = _run(spark, "traffic_over_time", until=SINCE + days * DAY).collect()
        expected: Counter[tuple[int, str]] = Counter()
        for each in RECORDS:
            start = each.number("start") or 0
            expected[start - (start - SINCE) % size, str(each.get("action"))] += each.number("bytes") or 0
        assert {(int(row.time.timestamp()), row.action): row.bytes for row in rows} == dict(expected)


def test_services_have_the_names_of_ports_and_protocols(spark: SparkSession, place: Place) -> None:
    rows = _run(spark, "services", until=SINCE + 3 * DAY).collect()
    assert {row.service for row in rows} == {"https", "protocol 17 port 1", "icmp"}


def test_a_longer_range_reads_the_roll_up_and_the_records_after_it(spark: SparkSession, place: Place) -> None:
    """The records of the first two days are gone, as after an expiry, so only the roll-up has them."""
    spark.catalog.uncacheTable(VIEW)
    target = target_of(spark, table_name=place.table_name, path=place.delta)
    roll_up(spark, target, now=_moment(NOW), dry_run=False)
    until = SINCE + 3 * DAY
    (row,) = _run(spark, "totals", until=until).collect()
    assert tuple(row) == _totals(RECORDS)
    spark.sql(f"DELETE FROM {place.table_name} WHERE event_time < timestamp_seconds({SINCE + 2 * DAY})")
    (row,) = _run(spark, "totals", until=until).collect()
    assert tuple(row) == _totals(RECORDS)
    filters: dict[str, Any] = {"account": ["999988887777"], "action": ["ACCEPT"]}
    (row,) = _run(spark, "totals", until=until, **filters).collect()
    assert tuple(row) == _totals(_chosen(SINCE, until, **filters))
    (row,) = _run(spark, "totals").collect()
    assert tuple(row) == (0, 0, 0, 0), "a day reads the records, not the roll-up"
    files = {days: _run(spark, "totals", until=SINCE + days * DAY).inputFiles() for days in (1, 3)}
    assert {days: any("_hourly/" in file for file in read) for days, read in files.items()} == {1: False, 3: True}
    vpcs = {(row.account_id, row.vpc_id): row.records for row in _run(spark, "networks", until=until).collect()}
    assert vpcs == dict(Counter((each.get("account-id"), each.get("vpc-id")) for each in RECORDS))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
