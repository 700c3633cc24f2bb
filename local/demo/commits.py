"""The commits of a Delta table, read from its log without Spark.

A commit is visible to all readers as soon as its file is in ``_delta_log``. The modification time of that file is the
time at which its rows become readable. Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

SOURCE = "source_file"


@dataclass(frozen=True)
class Commit:
    """The rows that a commit added, by the name of their source file. ``at`` is in Unix seconds."""

    at: float
    rows: Mapping[str, int]


class Commits:
    """Follows a table that may not exist yet.

    ``weight`` names a column to sum up instead of counting rows, such as ``lines`` of the quarantine table.
    """

    def __init__(self, table: Path, *, weight: str | None = None) -> None:
        self._table = table
        self._weight = weight
        self._next = 0

    def new(self) -> Iterator[Commit]:
        """Yield the commits since the last call."""
        while True:
            file = self._table / "_delta_log" / f"{self._next:020d}.json"
            try:
                at, text = file.stat().st_mtime, file.read_text(encoding="utf-8")
            except FileNotFoundError:
                return
            rows: Counter[str] = Counter()
            for action in map(json.loads, text.splitlines()):
                add = action.get("add")
                # OPTIMIZE rewrites existing rows.
                if add and add.get("dataChange", True):
                    rows.update(self._rows(self._table / unquote(add["path"])))
            self._next += 1
            yield Commit(at, rows)

    def _rows(self, file: Path) -> dict[str, int]:
        columns = [SOURCE, self._weight] if self._weight else [SOURCE]
        table = pq.ParquetFile(file).read(columns=columns)
        names = table.column(0).cast(pa.string())
        counts = table.column(1) if self._weight else pa.chunked_array([pa.array([1] * len(names), pa.int64())])
        sums = pa.table({"name": names, "count": counts}).group_by("name").aggregate([("count", "sum")])
        return {
            name.rpartition("/")[2]: count
            for name, count in zip(sums["name"].to_pylist(), sums["count_sum"].to_pylist(), strict=True)
        }
