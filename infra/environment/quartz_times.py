"""The times at which a Quartz cron expression is due.

Source: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST_YEAR = 2099
"""The last year of Quartz."""


def next_time(expression: str, after: datetime) -> datetime | None:
    """Return the first due time after a moment, in its time zone; None if there is none.

    >>> next_time("0 0 3 * * ?", datetime(2026, 11, 28, 3, 0))
    datetime.datetime(2026, 11, 29, 3, 0)

    Raises:
        ValueError: the expression is not a valid Quartz expression.
    """
    seconds, minutes, hours, *days = expression.upper().split()
    is_due = _day_rule(*days)
    times = [_values(text, low=0, high=high) for text, high in ((hours, 23), (minutes, 59), (seconds, 59))]
    first = after.replace(microsecond=0) + timedelta(seconds=1)
    for number in range((date(_LAST_YEAR, 12, 31) - first.date()).days + 1):
        day = first.date() + timedelta(days=number)
        if not is_due(day):
            continue
        earliest = (first.hour, first.minute, first.second) if number == 0 else (0, 0, 0)
        for hour, minute, second in _times(*times, earliest=earliest):
            return first.replace(year=day.year, month=day.month, day=day.day, hour=hour, minute=minute, second=second)
    return None


def times_per_minute(expression: str) -> int:
    """Return the number of seconds in a minute at which an expression can be due.

    >>> times_per_minute("0 0 3 * * ?"), times_per_minute("0/20 * * * * ?")
    (1, 3)
    """
    return len(_values(expression.split(maxsplit=1)[0], low=0, high=59))


def _times(
    hours: set[int], minutes: set[int], seconds: set[int], *, earliest: tuple[int, int, int]
) -> Iterator[tuple[int, int, int]]:
    """Yield the due times of a day in order, starting at the earliest."""
    for hour in sorted(hour for hour in hours if hour >= earliest[0]):
        for minute in sorted(minute for minute in minutes if (hour, minute) >= earliest[:2]):
            yield from ((hour, minute, second) for second in sorted(seconds) if (hour, minute, second) >= earliest)


def _day_rule(day_of_month: str, month: str, weekday: str, year: str = "*") -> Callable[[date], bool]:
    months = _values(month, low=1, high=12, names=_MONTHS)
    years = _values(year, low=1970, high=_LAST_YEAR)

    def is_due(day: date) -> bool:
        return (
            day.year in years
            and day.month in months
            and any(_is_day_of_month(item, day) for item in day_of_month.split(","))
            and any(_is_weekday(item, day) for item in weekday.split(","))
        )

    return is_due


def _is_day_of_month(item: str, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if item.startswith("L-"):
        return day.day == last - int(item[2:])
    if item in ("LW", "L") or item.endswith("W"):
        number = last if item.startswith("L") else min(int(item[:-1]), last)
        return day.day == (_nearest_workday(day.replace(day=number), last) if item.endswith("W") else number)
    return item == "?" or day.day in _values(item, low=1, high=31)


def _nearest_workday(day: date, last: int) -> int:
    """Return the workday of the month that is nearest to a day."""
    if day.weekday() == calendar.SATURDAY:
        return day.day - 1 if day.day > 1 else day.day + 2
    if day.weekday() == calendar.SUNDAY:
        return day.day + 1 if day.day < last else day.day - 2
    return day.day


def _is_weekday(item: str, day: date) -> bool:
    number = day.isoweekday() % 7 + 1  # 1 is Sunday
    if "#" in item:
        name, _, count = item.partition("#")
        return {number} == _values(name, low=1, high=7, names=_WEEKDAYS) and (day.day - 1) // 7 + 1 == int(count)
    if item.endswith("L") and item != "L":
        is_last = day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return {number} == _values(item[:-1], low=1, high=7, names=_WEEKDAYS) and is_last
    return item == "?" or number in ({7} if item == "L" else _values(item, low=1, high=7, names=_WEEKDAYS))


def _values(text: str, *, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """Return the values of one part; a range whose end is smaller than its start continues at the lowest value."""
    values: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        start, _, end = span.partition("-")
        first = low if start == "*" else _value(start, low=low, high=high, names=names)
        last = high if start == "*" or (step and not end) else _value(end or start, low=low, high=high, names=names)
        all_values = range(first, last + 1) if first <= last else (*range(first, high + 1), *range(low, last + 1))
        values |= set(all_values[:: int(step or 1)])
    return values


def _value(text: str, *, low: int, high: int, names: tuple[str, ...]) -> int:
    value = names.index(text) + low if text in names else int(text)
    if not low <= value <= high:
        raise ValueError(f"{text} is not from {low} to {high}")
    return value
