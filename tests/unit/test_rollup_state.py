"""The state of the maintenance in the properties of the roll-up, and the columns of the roll-up as SQL."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.maintenance import expiry, hours, rollup_columns, rollup_state
from vpc_flow_logs.maintenance.candidates import recent
from vpc_flow_logs.maintenance.rollup_state import State
from vpc_flow_logs.table_columns import HOURLY

NINE = datetime(2026, 11, 3, 9, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def test_a_state_survives_the_properties() -> None:
    state = State(NINE + timedelta(microseconds=1), NINE, NINE - SECOND, None, NINE - 2 * SECOND)
    properties = {"delta.x": "1", **rollup_state.to_properties(state)}
    assert rollup_state.of_properties("t", properties) == state
    assert rollup_state.of_properties("t", {}) == State()


@pytest.mark.parametrize("text", ["", "never", "2026-11-03", "2026-11-03T09:00:00", "1793696400"])
def test_a_property_that_is_not_a_time_with_a_zone_is_rejected(text: str) -> None:
    with pytest.raises(RunFailed) as error:
        rollup_state.of_properties("a.flows_hourly", {"vpc_flow_logs.expired_records_before": text})
    assert str(error.value) == (
        f"The property vpc_flow_logs.expired_records_before of table a.flows_hourly is {text!r}, which is not a time "
        "such as '2026-11-03T04:00:00+00:00'. Restore its previous value: DESCRIBE HISTORY `a`.`flows_hourly` shows "
        "all values that it had. Nothing was changed."
    )


def test_a_state_never_moves_backward() -> None:
    old = State(NINE, NINE, None, None, NINE)
    new = State(NINE - SECOND, NINE + SECOND, NINE, None, NINE)
    assert rollup_state.newer(new, than=old) == State(None, NINE + SECOND, NINE, None, None)


def test_a_field_comes_from_its_column_and_from_other_fields() -> None:
    expressions = rollup_columns.expressions({"srcaddr": "STRING", "bytes": "BIGINT", "protocol": "STRING"})
    assert list(expressions) == list(HOURLY)
    assert expressions["srcaddr"] == "coalesce(`srcaddr`, try_element_at(other_fields, 'srcaddr'))"
    assert expressions["vpc_id"] == (
        "coalesce(try_element_at(other_fields, 'vpc-id'), try_element_at(other_fields, 'vpc_id'))"
    )
    assert expressions["bytes"] == (
        "try_sum(coalesce(`bytes`, try_cast(try_element_at(other_fields, 'bytes') AS BIGINT)))"
    )
    # Somebody created the column with another type.
    assert expressions["protocol"] == (
        "coalesce(try_cast(`protocol` AS INT), try_cast(try_element_at(other_fields, 'protocol') AS INT))"
    )


def test_the_first_run_reads_all_records() -> None:
    assert recent(State(), now=NINE) == "TRUE"
    assert recent(State(rolled_up_hours_before=NINE), now=NINE) == "TRUE"  # the table was empty


def test_a_later_run_reads_new_records_new_hours_and_expired_hours() -> None:
    state = State(NINE, NINE, NINE - 24 * hours.HOUR, NINE, None)
    assert recent(state, now=NINE + 2 * hours.HOUR + SECOND).split(" OR ") == [
        "ingested_at >= TIMESTAMP'2026-11-03 08:00:00+00:00'",
        "(event_time >= TIMESTAMP'2026-11-03 09:00:00+00:00' AND event_time < TIMESTAMP'2026-11-03 11:00:00+00:00')",
        "event_time < TIMESTAMP'2026-11-02 09:00:00+00:00'",
    ]
    assert recent(state, now=NINE + SECOND).split(" OR ")[1] == "FALSE"


def test_no_records_expire_before_the_roll_up_has_read_them() -> None:
    assert expiry.records("t", NINE, State()).condition == "FALSE"
    assert expiry.records("t", NINE, State(rolled_up_hours_before=NINE)).condition == "FALSE"  # the table was empty
    expired = expiry.records("t", NINE, State(NINE - SECOND, NINE - hours.HOUR))
    assert expired.before == NINE - hours.HOUR
    assert expired.condition == (
        "(event_time < TIMESTAMP'2026-11-03 08:00:00+00:00'"
        " AND ingested_at < TIMESTAMP'2026-11-03 08:59:59.000001+00:00')"
        " OR ((event_time IS NULL OR event_time >= TIMESTAMP'2026-11-03 08:00:00+00:00')"
        " AND ingested_at < TIMESTAMP'2026-11-03 09:00:00+00:00')"
    )
    assert expired.state == State(
        expired_records_before=NINE - hours.HOUR, expired_ingested_before=NINE - SECOND + timedelta(microseconds=1)
    )


def test_the_longest_retention_period_ends_in_the_year_1() -> None:
    assert hours.cut(NINE, 10**9) == datetime(1, 1, 1, tzinfo=timezone.utc)
