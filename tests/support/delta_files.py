"""The contents of a Delta table, read from its log and its files without a Spark job."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.ingesting import Row, commits
from vpc_flow_logs.paths import quarantine_path


def stored(delta: str | Path, *columns: str) -> Counter[Row]:
    """Count the rows of a table, with these columns."""
    return Counter(tuple(row[name] for name in columns) for row in stored_rows(delta))


def stored_entries(delta: str | Path) -> Counter[Row]:
    """Count the quarantine entries of a table as file name, line number, lines, line and reason."""
    return Counter(
        (Path(row["source_file"]).name, row["line_number"], row["lines"], row["line"], row["reason"])
        for row in stored_rows(quarantine_path(str(delta)))
    )


def data_files(delta: str | Path) -> dict[str, dict[str, Any]]:
    """Return the data files of the latest version of a table: their entries in the log, by path."""
    files: dict[str, dict[str, Any]] = {}
    for commit in commits(delta):
        for removed in (action["remove"] for action in commit if "remove" in action):
            del files[removed["path"]]
        files |= {action["add"]["path"]: action["add"] for action in commit if "add" in action}
    return files


def stored_rows(delta: str | Path) -> list[dict[str, Any]]:
    """Return the rows of the files that belong to the latest version of a table."""
    files = data_files(delta)
    assert all(file.get("deletionVector") is None for file in files.values()), "these files contain deleted rows"
    tables = [pq.read_table(Path(delta, unquote(path)), partitioning=None) for path in files]
    return pa.concat_tables(tables, promote_options="default").to_pylist() if tables else []
