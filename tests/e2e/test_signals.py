"""Signals to the commands of a laptop: one message, the usual exit status, and no process that stays."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local import ingest as ingest_command
from local.processes import session_members
from tests.support.ingesting import SECONDS, Place, Process, ingest

QUERY = "SELECT count(*) FROM range(1000000) AS a CROSS JOIN range(1000000) AS b WHERE a.id * b.id % 7 = 3"


@pytest.fixture
def where(tmp_path: Path) -> Place:
    where = Place(tmp_path / "place", "signaled", headers=("srcaddr", "srcport"))
    where.deliver(b"srcaddr srcport\n10.0.0.1 80\n", "a.log")
    return where


def java_of(process: Process) -> list[int]:
    """Return the Java processes of a process's session."""
    names = {pid: Path(f"/proc/{pid}/comm") for pid in session_members(process.pid)}
    return [pid for pid, name in names.items() if name.exists() and name.read_text().strip() == "java"]


def ended(process: Process) -> bool:
    """Wait until no process of the session is left; return False if one stays."""
    deadline = time.monotonic() + SECONDS
    while session_members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not session_members(process.pid)


@pytest.mark.parametrize(
    ("module", "message", "number"),
    [
        ("local.ingest", ingest_command.INTERRUPTED, signal.SIGTERM),
        ("local.answers", "Interrupted. Nothing was changed.", signal.SIGINT),
    ],
)
def test_a_signal_while_spark_starts_prints_one_line(
    where: Place, tmp_path: Path, module: str, message: str, number: signal.Signals
) -> None:
    Path(where.delta, "_delta_log").mkdir(parents=True)
    parameters = ["--sql", "SELECT 1", "--table", where.delta] if module == "local.answers" else where.parameters()
    process = Process(parameters, tmp_path / "process", module=module)
    try:
        process.wait_until(lambda: bool(java_of(process)))
        os.killpg(process.pid, number)
        assert ended(process)
        assert process.wait() == 128 + number
        assert process.err.removeprefix("Starting Spark ...\n") == f"{message}\n"
        assert process.out == ""
    finally:
        process.kill()


def test_ctrl_c_during_a_query_ends_the_command_with_one_line(
    spark: SparkSession, where: Place, tmp_path: Path
) -> None:
    ingest(spark, where)
    process = Process(["--sql", QUERY, "--table", where.delta], tmp_path / "process", module="local.answers")
    try:
        process.wait_until(lambda: "Reading " in process.err)
        time.sleep(2)  # the query has no output
        process.interrupt()
        assert ended(process)
        assert process.wait() == 128 + signal.SIGINT
        assert process.err.splitlines()[2:] == ["Interrupted. Nothing was changed."]
        assert process.out == ""
    finally:
        process.kill()


def test_no_java_stays_when_python_is_killed(where: Place, tmp_path: Path) -> None:
    process = Process(where.parameters(trigger="continuous", interval_seconds="1"), tmp_path / "process")
    try:
        process.wait_for("batch 0: ")
        (java,) = java_of(process)
        assert os.getpgid(java) != process.pid
        os.kill(process.pid, signal.SIGKILL)
        assert ended(process)
    finally:
        process.kill()
