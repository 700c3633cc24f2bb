"""Spark SQL over the tables of a stage's workspace, in a separate process: for the demo, tests, and by hand.

    .venv/bin/python -m local.stage.sql "SELECT action, count(*) FROM flow_logs GROUP BY action"

By hand, source ``stage.env`` first, which selects the stage. Without a query, it reads queries from standard input.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from infra.interruption import interruptible
from local.processes import end_session
from local.runs import metastore
from local.runs.session import session
from local.runs.storage import Storage
from vpc_flow_logs.terminal import printable, printable_lines

STORAGE = "FLOW_LOGS_STAGE_STORAGE"
"""Environment variable with the folder of the workspace's storage."""

_JSON = "--json"


class SqlError(RuntimeError):
    """A query failed, or Spark did not start; the message comes from Spark."""


class Sql:
    """A process that answers queries; each query sees the current tables.

    Example:
        >>> with stage.sql() as sql:                                        # doctest: +SKIP
        ...     sql.rows("SELECT count(*) AS records FROM flow_logs")
        [{'records': 1200}]
    """

    def __init__(self, storage: Storage, *, scratch: Path) -> None:
        """Start the process; the first query waits until Spark has started."""
        scratch.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        paths = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        self._log = scratch / "sql.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.stage.sql", _JSON],
                env={**inherited, STORAGE: str(storage.folder), "PYTHONPATH": paths, "TMPDIR": str(scratch)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query, as JSON values.

        Raises:
            SqlError: the query failed.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(query) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the process has ended; reading its response shows this
        line = self._process.stdout.readline()
        if not line:
            raise SqlError(f"Spark SQL has ended. Its last output:\n{self._log.read_text(errors='replace')[-2000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise SqlError(answer["error"])
        rows: list[dict[str, Any]] = answer["rows"]
        return rows

    def close(self) -> None:
        """End the process."""
        end_session(self._process.pid)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()

    def __enter__(self) -> Sql:
        """Return the running process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()


def main(arguments: list[str]) -> int:
    """Answer the queries on the command line or on standard input; return the exit status."""
    folder = os.environ.get(STORAGE)
    if folder is None:
        print(f"{STORAGE} is not set. Source the stage.env file that `make stage` prints, then retry", file=sys.stderr)
        return 2
    as_json = arguments == [_JSON]
    queries: Iterable[str] = sys.stdin if as_json or not arguments else arguments
    storage = Storage(Path(folder))
    with tempfile.TemporaryDirectory(prefix="sql-") as scratch:
        spark = session(storage, app_name="sql", scratch=Path(scratch))
        failed = False
        for query in queries:
            metastore.load(spark, storage.metastore)
            if as_json:
                print(json.dumps(_answer(spark, json.loads(query))), flush=True)
            elif query.strip():
                failed |= not show(spark, query)
    return 1 if failed else 0


def _answer(spark: SparkSession, query: str) -> dict[str, Any]:
    try:
        return {"rows": [json.loads(str(row)) for row in spark.sql(query).toJSON().collect()]}
    except PySparkException as error:
        return {"error": str(error)}


def show(spark: SparkSession, query: str) -> bool:
    """Print the rows of a query, or the reason for its failure; return whether it succeeded."""
    try:
        with redirect_stdout(io.StringIO()) as shown:
            spark.sql(query).show(50, truncate=False)
    except PySparkException as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "no reason was given")
        print(printable(reason), file=sys.stderr)
        return False
    print(printable_lines(shown.getvalue()), end="")
    return True


if __name__ == "__main__":
    with interruptible():
        sys.exit(main(sys.argv[1:]))
