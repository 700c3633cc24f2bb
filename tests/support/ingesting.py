"""Helpers of the job's end-to-end tests: files to deliver, and runs in this process and in separate ones."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from local.cloud_files import register
from local.laptop.spark import QUICK_START
from local.traffic.files import FlowLog, encode, place
from local.traffic.network import Network
from local.traffic.records import records
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT, canonical, column_name, column_type
from vpc_flow_logs.main import run_ingest
from vpc_flow_logs.parameters import ParameterError
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.sql import literal, quoted
from vpc_flow_logs.table import quarantine_name
from vpc_flow_logs.table_columns import QUARANTINE, SERVICE

ROOT = Path(__file__).resolve().parents[2]
START = 1_760_000_000
NETWORK = Network.seeded(3)
SECONDS = 600
"""Timeout of a process in seconds, generous because the machine may be busy."""

Row = tuple[Any, ...]


@dataclass
class Place:
    """The paths of a table, its logs and its checkpoint, and the parameters of a run with them."""

    root: Path
    table_name: str
    headers: Sequence[str] = DEFAULT_FORMAT
    delta: str = ""

    def __post_init__(self) -> None:
        self.logs = self.root / "logs"
        self.checkpoint = self.root / "checkpoint"
        self.delta = self.delta or str(self.root / "table")
        self.logs.mkdir(parents=True, exist_ok=True)

    def parameters(self, **changes: str) -> list[str]:
        """Return the command line; changes replace parameters, whose names have ``_`` in place of ``-``."""
        values = {
            "vpc_logs_path": str(self.logs),
            "delta_output_path": self.delta,
            "checkpoint_path": str(self.checkpoint),
            "table_name": self.table_name,
            "region_name": "us-east-1",
            "headers": ",".join(self.headers),
            "answers": "off",  # 34 statements, which only the tests of the answers need
            **changes,
        }
        return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]

    def deliver(self, data: bytes, name: str) -> Path:
        """Put a complete file into the logs folder."""
        return place(data, self.logs, name)


@dataclass
class Ran:
    """The output of a run and, if it was rejected or failed, its status and message."""

    lines: list[str]
    status: int = 0
    message: str = ""

    @property
    def batches(self) -> list[str]:
        """Return the progress lines."""
        return [line for line in self.lines if line.startswith("batch ")]


def ingest(spark: SparkSession, where: Place, **changes: str) -> Ran:
    """Run the job in this process and check that it succeeds."""
    ran = try_ingest(spark, where, **changes)
    assert ran.status == 0, ran.message
    return ran


def try_ingest(spark: SparkSession, where: Place, **changes: str) -> Ran:
    """Run the job in this process and return its result, even if it fails."""
    return run(spark, where.parameters(**changes), checkpoint=Path(changes.get("checkpoint_path", where.checkpoint)))


def run(spark: SparkSession, parameters: Sequence[str], *, checkpoint: Path) -> Ran:
    """Run the job in this process with these parameters."""
    register(spark, state=checkpoint / "cloud_files")
    out, err = io.StringIO(), io.StringIO()
    status, message = 0, ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run_ingest(parameters, session=lambda: spark)
    except (ParameterError, RunFailed) as error:
        status, message = 2 if isinstance(error, ParameterError) else 1, str(error)
    assert err.getvalue() == (f"{message}\n" if status else "")
    return Ran(out.getvalue().splitlines(), status, message)


# Files


def table_of(fields: Sequence[str] = DEFAULT_FORMAT, *, count: int = 20, seed: int = 0) -> pa.Table:
    """Return realistic records."""
    return records(NETWORK, fields, start=START, seconds=300, count=count, seed=seed)


def file_of(table: pa.Table, fields: Sequence[str] = DEFAULT_FORMAT, **changes: Any) -> bytes:
    """Return the content of a delivered file with the records."""
    return encode(flow_log(fields, **changes), table)


def flow_log(fields: Sequence[str] = DEFAULT_FORMAT, **changes: Any) -> FlowLog:
    """Return a flow log of the test account."""
    return FlowLog(
        id="fl-0123456789abcdef0", account="123456789012", region="us-east-1", fields=tuple(fields), **changes
    )


# Contents of the tables


def expected(table: pa.Table, columns: Sequence[str]) -> Counter[Row]:
    """Count the records as rows with these columns, and NULL for fields that the records lack."""
    named = {column_name(name): table.column(canonical(name)).to_pylist() for name in table.column_names}
    empty = [None] * table.num_rows
    return Counter(zip(*(named.get(column, empty) for column in columns), strict=True))


def rows(spark: SparkSession, table_name: str, *columns: str) -> Counter[Row]:
    """Count the rows of a table, with all columns except ``ingested_at`` by default."""
    frame = spark.table(quoted(table_name))
    names = columns or [name for name in frame.columns if name != "ingested_at"]
    return Counter(tuple(row) for row in frame.select(*names).collect())


def contents(spark: SparkSession, where: Place) -> tuple[Counter[Row], Counter[Row]]:
    """Count the records and the quarantine entries, read from their files and not through the catalog."""
    counts = []
    for path in (where.delta, quarantine_path(where.delta)):
        frame = spark.read.format("delta").load(path).drop("ingested_at", "other_fields")
        counts.append(Counter(tuple(row) for row in frame.collect()))
    return counts[0], counts[1]


def entries(spark: SparkSession, table_name: str) -> Counter[Row]:
    """Count the quarantine entries as file name, line number, lines, line and reason."""
    entry_rows = spark.table(quoted(quarantine_name(table_name))).drop("ingested_at").collect()
    return Counter((Path(row.source_file).name, row.line_number, row.lines, row.line, row.reason) for row in entry_rows)


def commits(delta: str | Path) -> list[list[dict[str, Any]]]:
    """Return the actions of each commit of a Delta table."""
    logs = sorted(Path(delta, "_delta_log").glob("*.json"))
    return [[json.loads(line) for line in log.read_text().splitlines()] for log in logs]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file and folder under a folder, with the files' contents."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def tables_of_version_0_1_0(spark: SparkSession, where: Place) -> None:
    """Create both tables as version 0.1.0 did: with its two properties each, and without a binding."""
    fields = {column_name(name): (column_type(name), BY_NAME[canonical(name)].meaning) for name in where.headers}
    clustered = ", ".join(name for name in ("event_time", "srcaddr", "dstaddr") if name in {**fields, **SERVICE})
    statistics = clustered.replace(", ", ",")
    name, path = where.table_name, where.delta
    spark.sql(
        f"CREATE TABLE {quoted(name)} ({_columns({**fields, **SERVICE})}) USING DELTA CLUSTER BY ({clustered}) "
        "TBLPROPERTIES ('vpc_flow_logs.table' = 'records', "
        f"'delta.dataSkippingStatsColumns' = '{statistics},ingested_at') LOCATION {literal(path)}"
    )
    spark.sql(
        f"CREATE TABLE {quoted(quarantine_name(name))} ({_columns(QUARANTINE)}) USING DELTA "
        "TBLPROPERTIES ('vpc_flow_logs.table' = 'quarantine', "
        f"'delta.dataSkippingStatsColumns' = 'ingested_at') LOCATION {literal(quarantine_path(path))}"
    )


def _columns(columns: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(f"`{name}` {type_} COMMENT {literal(text)}" for name, (type_, text) in columns.items())


# Processes

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "JDK_JAVA_OPTIONS": " ".join(QUICK_START),
}


@dataclass
class Process:
    """``python -m local.ingest``, or another module, in its own session, with its output in files."""

    parameters: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)
    module: str = "local.ingest"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = self.folder / "stdout", self.folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.parameters],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return its ID, which is also that of its process group and of its session."""
        return self._process.pid

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def batches(self) -> list[str]:
        return [line for line in self.out.splitlines() if line.startswith("batch ")]

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Send SIGINT to all its processes, as Ctrl-C in a terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait for the end and return the status."""
        try:
            return self._process.wait(seconds)
        finally:
            self.kill()

    def wait_for(self, text: str, *, times: int = 1, seconds: float = SECONDS) -> None:
        """Wait until the output contains a text this number of times, or the process has ended."""
        self.wait_until(lambda: self.out.count(text) >= times, seconds=seconds)

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = SECONDS) -> None:
        """Wait until a condition is true, or the process has ended."""
        deadline = time.monotonic() + seconds
        while not condition() and self.running:
            assert time.monotonic() < deadline, f"still waiting after {seconds} s:\n{self.out}\n{self.err}"
            time.sleep(0.05)

    def terminate(self) -> None:
        """Send SIGTERM to all its processes, as `timeout` does."""
        os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and everything it started: Python, Java and its workers."""
        while pids := list(_pids_of_session(self._process.pid)):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
            time.sleep(0.02)


def _pids_of_session(session: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, member_of = stat.read_text().rpartition(") ")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(member_of) == session and state != "Z":
            yield int(stat.parent.name)
