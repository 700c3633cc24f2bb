"""The demo's view of a table: the rows per file and the time they become readable, from the Delta log alone."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from local.delivery import Delivered
from local.demo.loading import Loading, Wait, across_restarts
from local.demo.watch import Watch
from local.traffic.files import FileFacts, FlowLog

LOG = FlowLog("fl-1", "000000000000", "us-east-1")


def commit(table: Path, version: int, *, at: float, data_change: bool = True, **columns: list[Any]) -> None:
    """Write a commit of one file as Delta does; without columns, the commit adds no file."""
    actions: list[Mapping[str, Any]] = [{"commitInfo": {"operation": "WRITE"}}]
    if columns:
        name = f"part {version}.parquet"
        table.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), table / name)
        actions.append({"add": {"path": name.replace(" ", "%20"), "dataChange": data_change}})
    file = table / "_delta_log" / f"{version:020d}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(json.dumps(action) for action in actions))
    os.utime(file, (at, at))


def put(name: str, *, rows: int, at: float) -> Delivered:
    return Delivered(LOG, "bucket", FileFacts(key=f"AWSLogs/2026/{name}", rows=rows, size=1), at=at)


def test_rows_are_counted_per_file_as_commits_arrive(tmp_path: Path) -> None:
    loading = Loading(tmp_path, "t")
    loading.update()
    assert loading.lines == 0

    commit(tmp_path / "t", 0, at=100.0)
    commit(tmp_path / "t", 1, at=110.0, source_file=["s3://b/x/a.gz", "s3://b/x/a.gz", "s3://b/x/b.gz"], n=[1, 2, 3])
    loading.update()
    assert (loading.rows, loading.first) == ({"a.gz": 2, "b.gz": 1}, 110.0)

    commit(tmp_path / "t", 2, at=115.0, source_file=["s3://b/x/a.gz"], n=[4])
    loading.update()
    loading.update()
    assert loading.rows == {"a.gz": 3, "b.gz": 1}
    assert loading.readable == {"a.gz": 115.0, "b.gz": 110.0}


def test_quarantine_is_counted_in_lines_and_not_in_entries(tmp_path: Path) -> None:
    loading = Loading(tmp_path, "t")
    commit(tmp_path / "t_quarantine", 0, at=100.0, source_file=["s3://b/a.gz", "s3://b/a.gz"], lines=[1, 17])
    loading.update()

    assert (loading.quarantined, loading.lines) == ({"a.gz": 18}, 18)


def test_rewritten_files_do_not_add_rows(tmp_path: Path) -> None:
    loading = Loading(tmp_path, "t")
    commit(tmp_path / "t", 0, at=100.0, source_file=["s3://b/a.gz"])
    commit(tmp_path / "t", 1, at=200.0, data_change=False, source_file=["s3://b/a.gz"])
    loading.update()

    assert (loading.lines, loading.readable) == (1, {"a.gz": 100.0})


def test_lag_covers_only_complete_files_that_arrived_while_the_job_ran(tmp_path: Path) -> None:
    loading = Loading(tmp_path, "t")
    commit(tmp_path / "t", 0, at=100.0, source_file=["s3://b/early.gz"])
    commit(tmp_path / "t", 1, at=107.5, source_file=["s3://b/a.gz", "s3://b/a.gz", "s3://b/half.gz"])
    loading.update()
    files = [
        put("early.gz", rows=1, at=50.0),
        put("a.gz", rows=2, at=104.0),
        put("half.gz", rows=2, at=104.0),
        put("not-yet.gz", rows=1, at=106.0),
    ]

    assert [wait.seconds for wait in loading.waits(files)] == [3.5]


def test_a_pause_begins_with_the_latest_rows_and_needs_a_file_to_load(tmp_path: Path) -> None:
    loading = Loading(tmp_path, "t")
    files = [put("a.gz", rows=1, at=50.0), put("b.gz", rows=1, at=108.0)]
    assert loading.pause(files, now=120.0) == 0
    commit(tmp_path / "t", 0, at=100.0, source_file=["s3://b/a.gz"])
    loading.update()
    assert loading.pause(files[:1], now=120.0) == 0
    assert loading.pause(files, now=120.0) == 20
    commit(tmp_path / "t", 1, at=121.0, source_file=["s3://b/b.gz"])
    loading.update()
    assert loading.pause(files, now=130.0) == 0


def test_a_long_pause_replaces_the_lag_in_the_status(tmp_path: Path) -> None:
    loading = Loading(tmp_path, "t")
    watch = Watch(None, Deliveries(), loading)  # type: ignore[arg-type]
    now = time.time()
    Deliveries.puts = [put("a.gz", rows=1, at=now - 90), put("b.gz", rows=1, at=now - 60), put("c.gz", rows=1, at=now)]
    commit(tmp_path / "t", 0, at=now - 80, source_file=["s3://b/a.gz"])
    commit(tmp_path / "t", 1, at=now - 57, source_file=["s3://b/b.gz"])
    loading.update()
    assert re.search(r"; no new rows for 5[78]\.\d s$", watch.status())
    Deliveries.puts.pop()
    assert watch.status().endswith("; lag 3.0 s")


class Deliveries:
    """The traffic of a demo."""

    puts: ClassVar[list[Delivered]] = []
    damaged_deliveries: ClassVar[list[Delivered]] = []

    def files(self) -> list[Delivered]:
        return list(self.puts)


def test_waits_across_a_restart_are_reported_separately() -> None:
    before, at_the_end, between, first, after = (
        Wait(10.0, 12.0),
        Wait(19.0, 45.0),
        Wait(25.0, 45.0),
        Wait(40.0, 45.0),
        Wait(50.0, 53.0),
    )
    waits = [before, at_the_end, between, first, after]

    # The second run starts at 30, and its first rows are readable at 45.
    running, across = across_restarts(waits, [(0.0, 20.0), (30.0, 60.0)])
    assert (running, across) == ([before, after], [at_the_end, between, first])
    assert across_restarts(waits, [(0.0, 60.0)]) == (waits, [])
