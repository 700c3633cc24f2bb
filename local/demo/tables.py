"""The demo's queries of its tables, with Spark SQL."""

from __future__ import annotations

from typing import Any, Protocol

from local.answers.result import Result, of_answer
from local.demo.check import TableCounts
from local.demo.report import Entry, Minute, Port
from vpc_flow_logs.answers.catalog import catalog

ANSWERS = ("top_talkers", "rejected_sources")
"""The answers of the catalog that the demo shows."""

# The names of the files that AWS delivers contain the flow log ID.
_FLOW_LOG = "regexp_extract(source_file, '_(fl-[0-9a-f]+)_', 1)"
_FILE = "substring_index(source_file, '/', -1)"
_ENTRIES = 50
_CHARACTERS = 60


class Sql(Protocol):
    """A connection that runs queries."""

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query; a row may omit a column that is NULL."""
        ...


class Tables:
    """Queries of the table and its quarantine table. The maintenance job creates ``hourly_table``, the roll-up."""

    def __init__(self, sql: Sql, table: str) -> None:
        self._sql = sql
        self.table = table
        self.quarantine_table = f"{table}_quarantine"
        self.hourly_table = f"{table}_hourly"

    def rows(self, table: str) -> int:
        """Return the number of rows of a table."""
        ((count,),) = self._ask(f"SELECT count(*) AS rows FROM {table}", "rows")
        return int(count)

    def by_flow_log(self) -> dict[str, TableCounts]:
        """Return the contents of both tables by flow log ID."""
        rows = self._ask(
            f"""SELECT id, sum(is_row) AS rows, sum(is_accepted) AS accepted, sum(is_rejected) AS rejected,
                       sum(bytes) AS bytes, sum(lines) AS lines, sum(is_skipped) AS skipped FROM (
                  SELECT {_FLOW_LOG} AS id, 1 AS is_row, int(action <=> 'ACCEPT') AS is_accepted,
                         int(action <=> 'REJECT') AS is_rejected, coalesce(bytes, 0) AS bytes, 0 AS lines,
                         int(log_status <=> 'SKIPDATA') AS is_skipped
                  FROM {self.table}
                  UNION ALL
                  SELECT {_FLOW_LOG}, 0, 0, 0, 0, lines, 0 FROM {self.quarantine_table})
                GROUP BY id""",
            *("id", "rows", "accepted", "rejected", "bytes", "lines", "skipped"),
        )
        return {id_: TableCounts(*counts) for id_, *counts in rows}

    def quarantined_lines(self) -> dict[str, int]:
        """Return the number of lines in quarantine by file name, for the files that have any."""
        statement = f"SELECT {_FILE} AS file, sum(lines) AS lines FROM {self.quarantine_table} GROUP BY file"
        return {name: lines for name, lines in self._ask(statement, "file", "lines")}  # noqa: C416 - the names document the columns

    def quarantine(self) -> tuple[Entry, ...]:
        """Return the first entries by file and line, each with the start of the line."""
        rows = self._ask(
            f"""SELECT {_FILE} AS file, line_number, lines, reason, left(coalesce(line, ''), {_CHARACTERS}) AS line
                FROM {self.quarantine_table} ORDER BY file, line_number LIMIT {_ENTRIES}""",
            *("file", "line_number", "lines", "reason", "line"),
        )
        return tuple(Entry(*row) for row in rows)

    def minutes(self) -> tuple[Minute, ...]:
        """Return rows and bytes by the minute in which the flow began. Rows without an action count as not rejected."""
        rows = self._ask(
            f"""SELECT unix_seconds(date_trunc('MINUTE', event_time)) AS minute,
                       count_if(NOT action <=> 'REJECT') AS accepted, count_if(action = 'REJECT') AS rejected,
                       coalesce(sum(bytes) FILTER (WHERE NOT action <=> 'REJECT'), 0) AS accepted_bytes,
                       coalesce(sum(bytes) FILTER (WHERE action = 'REJECT'), 0) AS rejected_bytes
                FROM {self.table} WHERE event_time IS NOT NULL GROUP BY minute ORDER BY minute""",
            *("minute", "accepted", "rejected", "accepted_bytes", "rejected_bytes"),
        )
        return tuple(Minute(*row) for row in rows)

    def answer(self, name: str, count: int) -> Result:
        """Return the first rows of an answer of the last 24 hours, from the table function that the job created."""
        (answer,) = (each for each in catalog() if each.name == name)
        statement = f"SELECT * FROM {self.table}_{name}() LIMIT {count + 1}"
        rows = self._ask(statement, *(column.name for column in answer.columns))
        return of_answer(answer, self.table, rows[:count], is_cut=len(rows) > count)

    def top_ports(self, count: int) -> tuple[Port, ...]:
        """Return the destination ports with the most flows. Ephemeral client ports are too rare to appear.

        Ties have a fixed order.
        """
        rows = self._ask(
            f"""SELECT dstport, protocol,
                       count_if(action = 'ACCEPT') AS accepted, count_if(action = 'REJECT') AS rejected
                FROM {self.table} WHERE dstport > 0 AND action IS NOT NULL
                GROUP BY dstport, protocol ORDER BY count(*) DESC, dstport, protocol LIMIT {count}""",
            *("dstport", "protocol", "accepted", "rejected"),
        )
        return tuple(Port(*row) for row in rows)

    def _ask(self, statement: str, *columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row.get(column) for column in columns) for row in self._sql.rows(statement)]
