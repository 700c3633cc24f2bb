"""UTC hours as whole numbers, and SQL conditions for sets of them.

An hour is the number of hours since 1970-01-01 00:00 UTC. Neither the arithmetic nor the SQL depends on a time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

HOUR = timedelta(hours=1)

_FIRST = (datetime.min.replace(tzinfo=timezone.utc) - EPOCH) // HOUR


def number(time: datetime) -> int:
    """Return the hour that contains a time.

    >>> number(datetime(1970, 1, 2, 3, 59, tzinfo=timezone.utc)), number(EPOCH - timedelta(microseconds=1))
    (27, -1)
    """
    return (time - EPOCH) // HOUR


def start(hour: int) -> datetime:
    """Return the start of an hour.

    >>> start(27).isoformat()
    '1970-01-02T03:00:00+00:00'
    """
    return EPOCH + hour * HOUR


def from_micros(micros: int) -> datetime:
    """Return the time that is this number of microseconds after `EPOCH`."""
    return EPOCH + timedelta(microseconds=micros)


def cut(now: datetime, days: int) -> datetime:
    """Return the time before which data expires: the start of the hour that was this number of days ago.

    >>> cut(datetime(2026, 11, 3, 4, 59, tzinfo=timezone.utc), 30).isoformat()
    '2026-10-04T04:00:00+00:00'
    """
    return start(max(number(now) - 24 * days, _FIRST))


def number_sql(column: str) -> str:
    """Return the SQL expression for the hour of a timestamp column.

    The function date_trunc is not an alternative, because it truncates in the time zone of the session.
    """
    return f"CAST(floor(unix_seconds({column}) / 3600) AS BIGINT)"


def start_sql(column: str) -> str:
    """Return the SQL expression for the start of the hour of a timestamp column."""
    return f"timestamp_seconds(3600 * {number_sql(column)})"


def literal(time: datetime) -> str:
    """Return a time as a SQL literal.

    >>> literal(start(27))
    "TIMESTAMP'1970-01-02 03:00:00+00:00'"
    """
    return f"TIMESTAMP'{time.astimezone(timezone.utc).isoformat(sep=' ')}'"


def ranges(hours: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield consecutive hours as ranges, in order: the first hour, and the hour after the last.

    >>> list(ranges([5, 1, 2, 3]))
    [(1, 4), (5, 6)]
    """
    first = end = None
    for hour in sorted(set(hours)):
        if first is None or end is None:
            first, end = hour, hour
        elif hour != end:
            yield first, end
            first = hour
        end = hour + 1
    if first is not None and end is not None:
        yield first, end


def within(column: str, hours: Iterable[int]) -> str:
    """Return the SQL condition that a timestamp is in one of the hours. Delta can use it to skip files.

    >>> within("hour", [27])
    "(hour >= TIMESTAMP'1970-01-02 03:00:00+00:00' AND hour < TIMESTAMP'1970-01-02 04:00:00+00:00')"
    """
    parts = [
        f"({column} >= {literal(start(first))} AND {column} < {literal(start(end))})" for first, end in ranges(hours)
    ]
    return " OR ".join(parts) or "FALSE"


def portions(hours: Iterable[int], most: int) -> Iterator[Sequence[int]]:
    """Yield the hours in order, at most this many at a time.

    >>> list(portions({3, 1, 2}, most=2))
    [[1, 2], [3]]
    """
    ordered = sorted(hours)
    for begin in range(0, len(ordered), most):
        yield ordered[begin : begin + most]
