"""An answer: its question, fields, parameters, columns and chart, and its SQL as a query and as a function body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from vpc_flow_logs.sql import literal

ALL_FIELDS: Final = "all_fields"
SERVICE_NAMES: Final = "service_names"
QUARANTINE: Final = "quarantine"
OCSF: Final = "ocsf"
NAMES: Final = "names"

SOURCES = (ALL_FIELDS, SERVICE_NAMES, QUARANTINE)
"""Short names of the views and tables that answers read. The full name is ``<table name>_<short name>``.

Answers with names read the view `NAMES`, too.
"""

TOPICS = ("traffic", "cost", "security", "network", "health")
"""The topics of answers, in the order in which the catalog lists them."""

CHARTS = ("counter", "bar", "line", "table", "heatmap", "sankey")
"""The charts that can show an answer."""

_SOURCE = re.compile(rf"\b(FROM|JOIN) ({'|'.join((*SOURCES, NAMES))})\b")
_MARKER = re.compile(r"'[^']*'|--[^\n]*|(?<![:\w]):([a-z_]+)\b")  # string literals and comments stay unchanged
_SOURCE_OR_MARKER = re.compile(f"{_SOURCE.pattern}|{_MARKER.pattern}")

Value = str | int | float | datetime | None


@dataclass(frozen=True)
class Parameter:
    """A parameter of an answer.

    Attributes:
        name: Name of the parameter.
        type: SQL type of the parameter.
        default: Default value, as a SQL expression.
        meaning: The effect of the parameter.
    """

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class OutputColumn:
    """A column that an answer returns: its name, its SQL type and its meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Chart:
    """The chart of an answer: one of `CHARTS`, and the columns to draw, the values last. A table shows all columns."""

    kind: str
    columns: tuple[str, ...] = ()


SINCE = Parameter("since", "TIMESTAMP", "current_timestamp() - INTERVAL 24 HOURS", "Start of the window, inclusive")
UNTIL = Parameter("until", "TIMESTAMP", "current_timestamp()", "End of the window, exclusive")


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        name: Name of the answer, and of its file.
        title: A heading.
        topic: One of `TOPICS`.
        question: The question that it answers.
        counts: The records that it counts, and those that it leaves out.
        order: The order of the rows.
        fields: Names of the fields that it needs, as AWS spells them.
        optional: Names of the fields that make it more precise, or that it shows if they are delivered.
        chart: The chart that shows it.
        parameters: Its parameters, ``since`` and ``until`` first.
        columns: The columns that it returns, in order.
        sql: The SELECT of the file.
    """

    name: str
    title: str
    topic: str
    question: str
    counts: str
    order: str
    fields: tuple[str, ...]
    optional: tuple[str, ...]
    chart: Chart
    parameters: tuple[Parameter, ...]
    columns: tuple[OutputColumn, ...]
    sql: str

    @property
    def comment(self) -> str:
        """The comment of the table function."""
        return f"{self.question} {self.counts} Order: {self.order}."

    def query(self, sources: Mapping[str, str]) -> str:
        """Return the SELECT with its markers, such as ``:since``, for a client that binds them.

        Args:
            sources: The full name of each of the `SOURCES` and of `NAMES`, quoted for SQL.
        """
        return _SOURCE.sub(lambda match: f"{match[1]} {sources[match[2]]}", self.sql)

    def body(self, sources: Mapping[str, str]) -> str:
        """Return the SELECT as the body of a function, in which parameters have no colon.

        Args:
            sources: As for `query`.
        """
        return _MARKER.sub(lambda match: match[1] or match[0], self.query(sources))

    def bound(self, sources: Mapping[str, str], given: Mapping[str, Value]) -> str:
        """Return the SELECT with values for its markers.

        The arguments of ``spark.sql`` would do the same, but Delta's parser does not support them on Spark 4.2.

        Args:
            sources: As for `query`.
            given: Values by the name of the parameter. The other parameters have their defaults.

        Raises:
            KeyError: The answer does not have one of the parameters in ``given``.
        """
        names = [parameter.name for parameter in self.parameters]
        unknown = [name for name in given if name not in names]
        if unknown:
            raise KeyError(f"{self.name} has no parameter {unknown[0]!r}; it has {', '.join(names)}")
        return self.filled(sources, {name: _text(value) for name, value in given.items()})

    def filled(self, sources: Mapping[str, str], given: Mapping[str, str]) -> str:
        """Return the SELECT with a SQL expression for each marker.

        Args:
            sources: As for `query`.
            given: Expressions by the name of the parameter. The other parameters have their defaults.
        """
        values = {each.name: f"CAST({given.get(each.name, each.default)} AS {each.type})" for each in self.parameters}

        def replacement(match: re.Match[str]) -> str:
            keyword, source, marker = match.groups()
            if source:
                return f"{keyword} {sources[source]}"
            return values[marker] if marker else match[0]

        return _SOURCE_OR_MARKER.sub(replacement, self.sql)


def _text(value: Value) -> str:
    """Return a value as SQL. A time without a zone is in UTC."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return f"TIMESTAMP {literal(moment.astimezone(timezone.utc).isoformat())}"
    return literal(value) if isinstance(value, str) else repr(value)
