"""Validate Quartz cron expressions, which set when a scheduled job runs.

Sources: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html,
https://docs.databricks.com/aws/en/jobs/scheduled
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from infra.environment.quartz_times import next_time, times_per_minute

EXAMPLE = "0 0/15 * * * ?"
"""An expression for a run every 15 minutes."""


@dataclass(frozen=True)
class Part:
    """One part of an expression.

    Attributes:
        label: The name of the part in messages.
        low: The lowest value.
        high: The highest value.
        names: Names of the values, starting at ``low``.
        forms: A regular expression for the special forms of this part.
    """

    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    forms: str = ""


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_PARTS = (
    Part("seconds", 0, 59),
    Part("minutes", 0, 59),
    Part("hours", 0, 23),
    # L is the last day, L-3 three days before it, LW the last weekday, 15W the weekday nearest to the 15th.
    Part("day of the month", 1, 31, forms=r"\?|L|L-[0-9]{1,2}|LW|(?:[1-9]|[12][0-9]|3[01])W"),
    Part("month", 1, 12, _MONTHS),
    # 6L is the last Friday of the month, 6#3 the third.
    Part("day of the week", 1, 7, _DAYS, rf"\?|L|[1-7]L|(?:[1-7]|{'|'.join(_DAYS)})#[1-5]"),
    Part("year", 1970, 2099),
)


def quartz_problem(expression: str, *, now: datetime | None = None) -> str | None:
    """Return why a string is not a usable Quartz cron expression, as the predicate of a sentence, or None if it is.

    Args:
        expression: The string.
        now: The current time; by default, that of the clock.
    """
    given = expression.split()
    if len(given) not in (6, 7):
        return f'is not a valid Quartz cron expression (six or seven parts, seconds first, such as "{EXAMPLE}")'
    for number, (part, text) in enumerate(zip(_PARTS, given, strict=False), 1):
        if not all(_fits(part, item) for item in text.upper().split(",")):
            names = f" or {part.names[0]} to {part.names[-1]}" if part.names else ""
            return (
                f'has "{text}" in part {number}, the {part.label}. Use {part.low} to {part.high}{names}, or *. '
                "Separate several values with commas; write a range as from-to and an increment as from/every"
            )
    if (given[3] == "?") == (given[5] == "?"):
        return "needs ? for either the day of the month (part 4) or the day of the week (part 6), but not both"
    # Databricks would accept it, and start at most one run in 10 seconds. A run takes longer to start its cluster.
    if (times := times_per_minute(expression)) > 1:
        return (
            f'has "{given[0]}" in part 1, the seconds, so it starts {times} runs per minute. Use one value from 0 to 59'
        )
    if next_time(expression, now or datetime.now(timezone.utc)) is None:
        return "never starts a run: no day from now on matches parts 4 to 7, the days, the month and the year"
    return None


def _fits(part: Part, item: str) -> bool:
    if part.forms and re.fullmatch(part.forms, item):
        return True
    values, _, step = item.partition("/")
    if "/" in item and not (re.fullmatch("[0-9]{1,4}", step) and 1 <= int(step) <= part.high):
        return False
    return values == "*" or all(_is_value(part, value) for value in values.split("-", 1))


def _is_value(part: Part, text: str) -> bool:
    return text in part.names or (re.fullmatch("[0-9]{1,4}", text) is not None and part.low <= int(text) <= part.high)
