"""The sources of the datasets, as SQL with the parameters of the dashboard."""

from __future__ import annotations

from typing import Final

from infra.workspace.dashboard.template import TABLE
from vpc_flow_logs.answers.model import ALL_FIELDS, SOURCES
from vpc_flow_logs.sql import quoted

SINCE: Final = "CAST(:time_range.min AS TIMESTAMP)"
UNTIL: Final = "CAST(:time_range.max AS TIMESTAMP)"
WINDOW: Final = {"since": ":time_range.min", "until": ":time_range.max"}
"""The dashboard's expression for each end of the time window of an answer."""

FILTERED: Final = {"account": "account_id", "vpc": "vpc_id", "action": "action"}
"""The column that each filter applies to."""

UNFILTERED: Final = {source: quoted(f"{TABLE}_{source}") for source in SOURCES}
"""The full name of each source of the answers."""

_HOURLY = quoted(f"{TABLE}_hourly")
_DAY_SECONDS = 24 * 60 * 60


def _condition(keyword: str, column: str) -> str:
    # A parameter with several values is an array, and an empty one if nothing is selected.
    return f"(coalesce(size(:{keyword}), 0) < 1 OR array_contains(:{keyword}, {column}))"


_CONDITIONS = "\n    AND ".join(_condition(keyword, column) for keyword, column in FILTERED.items())

FILTERS: Final = {
    **UNFILTERED,
    ALL_FIELDS: f"(\n    SELECT * FROM {UNFILTERED[ALL_FIELDS]}\n    WHERE {_CONDITIONS}\n)",
}
"""The sources of the answers, with the filters of the dashboard where they apply."""

# The parameters are literals when the query is planned, so this is a constant, and Spark leaves out the roll-up.
_IS_LONG = f"unix_seconds({UNTIL}) - unix_seconds({SINCE}) > {_DAY_SECONDS}"

_ROLLED_UP_UNTIL = f"coalesce((SELECT max(hour) + INTERVAL 1 HOUR FROM {_HOURLY}), {SINCE})"

TRAFFIC: Final = f"""(
    SELECT
        event_time, account_id, vpc_id, least(srcport, dstport) AS service_port, protocol, action,
        CAST(1 AS BIGINT) AS records, packets, bytes
    FROM {UNFILTERED[ALL_FIELDS]}
    WHERE event_time >= {SINCE} AND event_time < {UNTIL}
    AND event_time >= CASE
        WHEN {_IS_LONG} THEN {_ROLLED_UP_UNTIL}
        ELSE {SINCE}
    END
    AND {_CONDITIONS}
    UNION ALL
    SELECT hour AS event_time, account_id, vpc_id, service_port, protocol, action, records, packets, bytes
    FROM {_HOURLY}
    WHERE hour >= date_trunc('HOUR', {SINCE}) AND hour < {UNTIL}
    AND {_IS_LONG}
    AND hour < {_ROLLED_UP_UNTIL}
    AND {_CONDITIONS}
)"""
"""The traffic in the time range: the records themselves for up to a day.

A longer range reads whole hours from the roll-up, as far as it reaches, and the records after that.
"""
