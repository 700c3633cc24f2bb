"""What the demo asks its tables."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from local.demo.check import Found
from local.demo.folder import TABLE

QUARANTINE = f"{TABLE}_quarantine"

# The names of AWS's files tell the flow log they come from.
_FLOW_LOG = "regexp_extract(source_file, '_(fl-[0-9a-f]+)_', 1)"
_FILE = "substring_index(source_file, '/', -1)"
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
_ENTRIES = 50
_CHARACTERS = 30


class Tables:
    """The two tables, in the catalog of a Spark session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        return self._spark.table(table).count()

    def by_flow_log(self) -> dict[str, Found]:
        """What there is of each flow log, by its id."""
        found = self._ask(
            f"""SELECT id, sum(is_row), sum(is_accepted), sum(is_rejected), sum(bytes), sum(lines) FROM (
                  SELECT {_FLOW_LOG} AS id, 1 AS is_row, int(action <=> 'ACCEPT') AS is_accepted,
                         int(action <=> 'REJECT') AS is_rejected, coalesce(bytes, 0) AS bytes, 0 AS lines FROM {TABLE}
                  UNION ALL
                  SELECT {_FLOW_LOG}, 0, 0, 0, 0, lines FROM {QUARANTINE})
                GROUP BY id"""
        )
        return {id_: Found(*counts) for id_, *counts in found}

    def quarantined_lines(self) -> dict[str, int]:
        """How many lines are in quarantine of each file that has any, by the file's name."""
        found = self._ask(f"SELECT {_FILE} AS file, sum(lines) FROM {QUARANTINE} GROUP BY file")
        return {name: lines for name, lines in found}  # noqa: C416 - says what is what

    def quarantine(self) -> dict[str, list[tuple[int, int, str, str]]]:
        """The entries, by the file's name: line number, lines, reason, beginning of the line."""
        found = self._ask(
            f"""SELECT {_FILE}, line_number, lines, reason, left(coalesce(line, ''), {_CHARACTERS})
                FROM {QUARANTINE} ORDER BY 1, 2 LIMIT {_ENTRIES}"""
        )
        entries: dict[str, list[tuple[int, int, str, str]]] = {}
        for file, number, lines, reason, line in found:
            entries.setdefault(file, []).append((number, lines, reason, _printable(line)))
        return entries

    def top_talkers(self, count: int) -> list[tuple[str, int, int]]:
        """Addresses that sent most: address, bytes, flows. Equal ones in a fixed order, here and below."""
        return self._ask(
            f"""SELECT srcaddr, sum(bytes) AS bytes, count(*) AS flows FROM {TABLE} WHERE srcaddr IS NOT NULL
                GROUP BY srcaddr ORDER BY bytes DESC NULLS LAST, srcaddr LIMIT {count}"""
        )

    def rejected_ports(self, count: int) -> list[tuple[str, str, int, int]]:
        """Destination ports of rejected flows: port, protocol, flows, how many addresses they came from."""
        found = self._ask(
            f"""SELECT dstport, protocol, count(*) AS flows, count(DISTINCT srcaddr) FROM {TABLE}
                WHERE action = 'REJECT' AND dstport > 0
                GROUP BY dstport, protocol ORDER BY flows DESC, dstport, protocol LIMIT {count}"""
        )
        return [(str(port), _PROTOCOLS.get(number, str(number)), *counts) for port, number, *counts in found]

    def _ask(self, statement: str) -> list[Any]:
        return [tuple(row) for row in self._spark.sql(statement).collect()]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "." for character in text)
