"""The process of one task: ``python -m local.runs.driver TASK_FILE``, started by :mod:`local.runs.process`.

It starts Spark as on a cluster, and calls the wheel's entry point with the task's command line. When its standard input
closes, it ends together with every process that it has started.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from local.cloud_files import register
from local.processes import end_session
from local.runs import dbutils, gateway
from local.runs.session import session
from local.runs.storage import Storage
from local.runs.task import Task
from local.runs.wheel import entry_point

_CHECKPOINT = "--checkpoint-path"


def main() -> int:
    """Run the task of the file on the command line; return the exit status."""
    task = Task.read(Path(sys.argv[1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _run(task)
    except SystemExit as ended:
        # Databricks runs tasks in IPython, where any exit is a failure, even with status 0.
        _write_failure(task, ended, f"SystemExit: {ended.code}")
    except Exception as error:  # noqa: BLE001 - the run's output reports any error of the wheel
        _write_failure(task, error, f"{type(error).__name__}: {error}")
    else:
        return 0
    return 1


def _run(task: Task) -> None:
    sys.path.insert(0, task.site)
    function = entry_point(Path(task.site), package=task.package, name=task.entry_point)
    storage = Storage(Path(task.storage))
    spark = session(storage, app_name=task.entry_point, scratch=Path(task.scratch))
    dbutils.provide(spark)
    gateway.restrict(spark, external_locations=task.external_locations)
    given = checkpoint_of(task.arguments)
    if given:
        # A stream of another entry point has its own checkpoint, and must not use the job's state.
        is_job = task.entry_point == "ingest"
        register(spark, state=storage.state_of(given.rstrip("/")) if is_job else Path(task.scratch, "cloud_files"))
    sys.argv = [task.entry_point, *task.arguments]
    function()


def checkpoint_of(arguments: list[str]) -> str | None:
    """Return the checkpoint path, from one argument or two; None if the task does not have this parameter."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(_CHECKPOINT, nargs="?")
    value: str | None = parser.parse_known_args(arguments)[0].checkpoint_path
    return value


def _write_failure(task: Task, error: BaseException, message: str) -> None:
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    print(trace, file=sys.stderr, flush=True)
    Path(task.failure).write_text(json.dumps({"message": message, "trace": trace}))


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    end_session(os.getpid(), but=os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Do not wait for an orderly end of Java: all output is written, and the parent process kills what is left.
    os._exit(status)
