"""The parts of the benchmark of the dashboard that need neither Spark nor records."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import duckdb
import pytest

from bench import answers_page
from bench.answers_asked import WINDOWS, Asked, bound, difference
from bench.answers_table import HOURLY, NAME, Part, fields
from bench.duckdb_sql import MACROS, arguments_of, sorted_outside, translated
from infra.dashboard.datasets import datasets
from infra.workspace.dashboard.template import filled
from vpc_flow_logs.answers import views
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT
from vpc_flow_logs.sql import quoted

TYPES = {"srcaddr": "STRING", "dstaddr": "STRING", "protocol": "INT", "bytes": "BIGINT", "action": "STRING"}
PARTS = {NAME: Part(rows=2, files=1, bytes=50), HOURLY: Part(rows=1, files=1, bytes=10)}


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    """Return a database with one record, whose other fields have no column, and its row in the roll-up."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    time = "TIMESTAMPTZ '2026-01-30 12:00:00+00:00'"
    columns = ", ".join(f'CAST(NULL AS {type_}) AS "{name}"' for name, type_ in TYPES.items())
    values = (
        "'10.0.0.1' AS srcaddr, '2600:1f18::a' AS dstaddr, CAST(6 AS INT) AS protocol, CAST(7 AS BIGINT) AS bytes, "
        "'ACCEPT' AS action"
    )
    connection.execute(
        f"CREATE TABLE {NAME} AS SELECT * REPLACE ({values}), {time} AS event_time, "
        "map {'srcport': '40000', 'dstport': '443', 'account-id': '123456789012'} AS other_fields, "
        f"'a_fl-1_b' AS source_file, {time} AS ingested_at FROM (SELECT {columns})"
    )
    connection.execute(
        f"CREATE TABLE {HOURLY} AS SELECT {time} AS hour, '123456789012' AS account_id, '' AS vpc_id, "
        "443 AS service_port, 6 AS protocol, 'ACCEPT' AS action, 1::BIGINT AS records, 1::BIGINT AS packets, "
        "7::BIGINT AS bytes"
    )
    connection.execute(
        f"CREATE TABLE {NAME}_quarantine AS SELECT 'bad' AS reason, 1::BIGINT AS lines, {time} AS ingested_at"
    )
    for view in (views.service_names(), views.all_fields(quoted(NAME), TYPES)):
        connection.execute(f"CREATE VIEW {NAME}_{view.name} AS {translated(view.query)}")
    return connection


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
@pytest.mark.parametrize("name", datasets())
def test_duckdb_runs_every_dataset_and_returns_its_columns(
    database: duckdb.DuckDBPyConnection, name: str, window: Any
) -> None:
    sql = bound(filled(datasets()[name].sql, NAME), window)
    assert ":time_range" not in sql
    result = database.execute(sorted_outside(translated(sql)))
    assert [column[0] for column in result.description or ()] == [c.name for c in datasets()[name].answer.columns]


def test_duckdb_computes_the_columns_of_the_view(database: duckdb.DuckDBPyConnection) -> None:
    names = "srcport, ip_version, srcaddr_hex, dstaddr_hex, srcaddr_class, dstaddr_class, is_admin_port"
    (row,) = database.execute(f"SELECT {names} FROM {NAME}_all_fields").fetchall()
    assert row == (40_000, 4, "0A000001", "26001F1800000000000000000000000A", "private", "public", False)


def test_a_macro_that_replaces_a_function_of_spark_treats_null_as_spark_does(
    database: duckdb.DuckDBPyConnection,
) -> None:
    (row,) = database.execute(
        translated("SELECT concat('a', NULL), sort_array(collect_list(x)) FROM (VALUES (2), (NULL), (1)) AS t (x)")
    ).fetchall()
    assert row == (None, [1, 2])


def test_a_call_without_its_closing_parenthesis_is_rejected() -> None:
    with pytest.raises(ValueError, match="no closing parenthesis"):
        arguments_of("a, (b)")


def test_the_windows_are_the_last_day_and_the_whole_month() -> None:
    day, month = (window.ends for window in WINDOWS)
    assert day[1] == month[1] == datetime(2026, 1, 31, tzinfo=timezone.utc)
    assert [(end - start).days for start, end in (day, month)] == [1, 30]


def test_the_flow_log_has_the_fields_of_all_datasets_except_those_of_transit_gateways() -> None:
    assert fields()[: len(DEFAULT_FORMAT)] == DEFAULT_FORMAT
    needed = {field for each in datasets().values() for field in each.answer.fields}
    assert {field for field in needed - set(fields()) if BY_NAME[field].scope != "tgw"} == set()
    assert {"next-hop-interface-type", "traffic-path", "az-id"} <= set(fields())


def test_rows_differ_by_their_number_and_not_by_their_order() -> None:
    assert not difference(["a"], [(1,), (2,)], [(2,), (1,)])
    assert difference(["a"], [(1,), (1,)], [(1,)]) == "only in Spark: [(1,)]; only in DuckDB: []"


def test_a_column_that_depends_on_the_time_of_the_query_is_not_compared() -> None:
    assert not difference(["flow_log", "lag_seconds"], [("fl-1", 5)], [("fl-1", 6)])


def _asked(dataset: str, window: str, seconds: float, **values: Any) -> Asked:
    usual: dict[str, Any] = {"rows": 3, "files": 2, "rounds": 3, "duckdb": 0.5}
    return Asked(dataset=dataset, window=window, spark=seconds, **{**usual, **values})


def test_the_page_reports_which_datasets_miss_their_limit() -> None:
    asked = [
        _asked("totals", "24 hours", 5.0),
        _asked("conversations", "24 hours", 5.1),
        _asked("totals", "30 days", 9.9),
        _asked("top_talkers", "30 days", 10.1),
    ]
    text = answers_page.page(asked, PARTS, fields=36, cores=2)
    assert "- 24 hours, datasets that read the records: 1 of 2 take at most 5 seconds. Slower: `conversations`" in text
    assert "- 30 days, datasets that read the roll-up: 1 of 1 take at most 10 seconds.\n" in text
    assert "- 30 days, datasets that read the records: 0 of 1 take at most 10 seconds. Slower: `top_talkers`" in text
    assert "| conversations | 24 hours | records | 3 | 2 | 5.10 | **no** | 10.2 |" in text


def test_the_page_of_a_smaller_run_states_that_the_limits_are_for_more_records() -> None:
    small, full = (
        answers_page.page([], {**PARTS, NAME: Part(rows=rows, files=1, bytes=1)}, fields=36, cores=2)
        for rows in (answers_page.ROWS - 1, answers_page.ROWS)
    )
    assert ("This run has fewer" in small, "This run has fewer" in full) == (True, False)


def test_the_page_names_the_datasets_that_duckdb_cannot_compute_and_those_that_are_empty_or_left_out() -> None:
    asked = [
        _asked("conversations", "30 days", 1.0, duckdb=None, problem="Out of Memory Error"),
        _asked("transit_gateway_drops", "30 days", 1.0, rows=0),
    ]
    text = answers_page.page(asked, PARTS, fields=36, cores=2, left_out=["top_talkers"])
    assert "DuckDB cannot compute `conversations`: Out of Memory Error" in text
    assert "- `top_talkers` was left out for 30 days (`--leave-out top_talkers`).\n" in text
    assert "`transit_gateway_drops` has no rows, because" in text
