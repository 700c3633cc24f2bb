"""Run the job on this machine: ``python -m local.ingest`` with the job's parameters, on local Spark and Delta Lake.

Example:
    .venv/bin/python -m local.ingest --vpc-logs-path logs --checkpoint-path out/checkpoint --table-name flows.vpc
        --delta-output-path out/vpc --region-name us-east-1 --headers "version,account-id,..."
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pyspark.sql import SparkSession

from infra.interruption import interruptible
from local.broken_pipe import ended_by_its_reader
from local.cloud_files import register
from local.laptop import spark
from local.laptop.jars import JarsError
from local.laptop.java import JavaError
from local.parameters import absolute, listing, local_folder, nothing_there, problems_here, without_answers
from local.stopping import Stopper
from vpc_flow_logs.failures import RunFailed
from vpc_flow_logs.main import run_ingest
from vpc_flow_logs.parameters import ParameterError, problems_of, read, table_name_problem
from vpc_flow_logs.progress import say

INTERRUPTED = "Interrupted. Data loaded so far is kept; run the command again to resume where it stopped."


def main(argv: Sequence[str] | None = None) -> None:
    """Load the files.

    Args:
        argv: the job's parameters; by default, those of the command line.

    Raises:
        SystemExit: see `run`.
    """
    run(sys.argv[1:] if argv is None else argv, job=run_ingest)


def run(argv: Sequence[str], *, job: Callable[..., None], interrupted: str = INTERRUPTED) -> None:
    """Run one of the job's functions on local Spark.

    Args:
        argv: the job's parameters.
        job: `run_ingest` or `run_verify`.
        interrupted: The line to print if a signal ends the run. After a signal, the job prints nothing else.

    Raises:
        SystemExit: with status 2 for invalid parameters, 1 for a failed run, and 128 plus the signal number after an
            orderly stop.
    """
    arguments = without_answers(listing(absolute(argv)))
    _refuse_unusable_here(arguments)
    values = read(arguments)[0]
    with exit_status(LocalSession(values, interrupted=interrupted)) as local, local.stopper.silence():
        job(arguments, session=local)
        if note := nothing_there(values.get("vpc-logs-path", "")):
            say(note)


@contextmanager
def exit_status(local: LocalSession) -> Iterator[LocalSession]:
    """Turn the exceptions of a job in a ``with`` block into exit statuses, and close the session.

    Raises:
        SystemExit: see `run`.
    """
    try:
        yield local
    except ParameterError:  # already printed, as is RunFailed
        raise SystemExit(2) from None
    except RunFailed:
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        local.stopper.received = local.stopper.received or signal.SIGINT
    except (JarsError, JavaError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        local.close()


class LocalSession:
    """Session factory for the job. It starts Spark on the first call, so invalid parameters are reported immediately.

    Args:
        values: the job's parameters by name; the job reports missing and invalid ones.
        interrupted: the line to print if a signal ends the run.
        warehouse: the folder of managed tables.
        streams: whether the job runs streams, which a signal stops in an orderly way. Otherwise, a signal ends the
            process.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        interrupted: str,
        warehouse: Path = Path("spark-warehouse"),
        streams: bool = True,
    ) -> None:
        self._streams = streams
        self._checkpoint = local_folder(values.get("checkpoint-path", ""))
        table = values.get("table-name", "")
        self._schema = table.split(".")[-2] if "." in table and not table_name_problem(table) else None
        self._warehouse = warehouse.absolute()
        self._spark: SparkSession | None = None
        self.stopper = Stopper(interrupted, tidy=self._tidy)

    def __call__(self) -> SparkSession:
        """Return the session; on the first call, also create the table's schema and register ``cloudFiles``."""
        if self._spark is None:
            with self.stopper.starting():
                self._spark = spark.session(
                    app_name="vpc-flow-logs ingest", warehouse=self._warehouse, interrupt_ends=True
                )
            # Only now: Spark installs its own signal handler when it starts.
            if self._streams:
                self.stopper.watch(self._spark)
            else:
                self.stopper.watch_queries()
            if self._schema:
                self._spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{self._schema}`")
            if self._checkpoint:
                register(self._spark, state=self._checkpoint / "cloud_files")
        return self._spark

    def close(self) -> None:
        """Stop Spark and its Java process, if they are running.

        Raises:
            SystemExit: a signal requested the stop.
        """
        self.stopper.end()
        if self._spark is not None:
            spark.stop(self._spark)
            self._tidy()
        if self.stopper.received:
            print(self.stopper.message, file=sys.stderr)
            raise SystemExit(128 + self.stopper.received)

    def _tidy(self) -> None:
        """Remove the folders that Spark created for managed tables, if they are empty."""
        for folder in (self._warehouse / f"{self._schema}.db", self._warehouse):
            with suppress(OSError):  # not empty, or missing
                folder.rmdir()


def _refuse_unusable_here(arguments: Sequence[str]) -> None:
    values, problems = read(arguments)
    bad = problems_of(values)
    here = problems_here({name: value for name, value in values.items() if name not in bad})
    if here:
        refusal = ParameterError([*problems, *(f"--{name}: {problem}" for name, problem in bad.items()), *here])
        print(refusal, file=sys.stderr)
        raise SystemExit(2)


if __name__ == "__main__":
    with ended_by_its_reader(), interruptible():
        main()
