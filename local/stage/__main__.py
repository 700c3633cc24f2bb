"""A stage for manual trials: `make stage`, or `.venv/bin/python -m local.stage`.

It starts both clouds, deploys the environment file with the real CDK command line, and delivers traffic until Ctrl-C.
Then it stops everything and removes its folder.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from infra.config import ENVIRONMENTS, EnvironmentFileError
from local.aws import NotStarted
from local.broken_pipe import ended_by_its_reader
from local.delivery import delivering
from local.stage.by_hand import commands, write_environment
from local.stage.cdk import ROOT, CdkError, event
from local.stage.composed import EmbeddedStage, embedded
from local.stage.folder import FolderError, own_folder
from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable_lines

_GLANCE = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run a stage until it is interrupted; return the exit status."""
    options = _options(sys.argv[1:] if argv is None else argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with own_folder(options.folder.resolve()) as folder:
            try:
                with embedded(folder, environment=options.env) as stage:
                    _run(stage, every=options.every, records=options.records)
            finally:
                # Ignore signals from here on: the stage is already stopping.
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        print(f"\nStopped. Both clouds and {options.folder} are removed.", flush=True)
        return 0
    except (CdkError, EnvironmentFileError, FolderError, NotStarted) as error:
        print(printable_lines(str(error)), file=sys.stderr)
        return 1
    return 0


def _run(stage: EmbeddedStage, *, every: float, records: int) -> None:
    say = _Clock()
    say(f"AWS at {stage.aws.url}, workspace at {stage.workspace.host}")
    stage.workspace.behavior.schedules = True
    with _shown_runs(stage, say):
        say("cdk bootstrap")
        stage.bootstrap()
        say(f"cdk deploy of {stage.environment_file.name}; the verify run and the job start Spark, which takes a while")
        stage.deploy(lambda line: _say_event(line, say))
        file = write_environment(stage)
        say("The stage is deployed. Run these commands in another terminal, in the folder of this repository:\n")
        for command in commands(stage, file=file):
            print(f"    {command}")
        print("\nTraffic is delivered until you press Ctrl-C, which stops the stage.\n", flush=True)
        with delivering(stage.aws, seed=1, every=every, records=records) as delivery:
            while delivery.is_alive():
                files = [delivered.file for delivered in delivery.delivered if delivered.error is None]
                rows = sum(file.rows for file in files)
                say(f"delivered: {counted(len(files), 'file')}, {counted(rows, 'record')}")
                delivery.join(_GLANCE)


def _say_event(line: str, say: _Clock) -> None:
    summary = event(line)
    if summary:
        say(f"    {summary}")


@contextmanager
def _shown_runs(stage: EmbeddedStage, say: _Clock) -> Iterator[None]:
    """Print the output of the workspace's runs during the block."""
    ended = threading.Event()

    def show() -> None:
        shown: dict[int, int] = {}
        while not ended.wait(1):
            for run_id, task in list(stage.runner.running.items()):
                lines = task.output().split("\n")[:-1]  # the last line may be incomplete
                for line in lines[shown.get(run_id, 0) :]:
                    say(f"    run {run_id}: {line}")
                shown[run_id] = len(lines)

    thread = threading.Thread(target=show, name="runs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Clock:
    """Printer of lines with the seconds since its creation."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"{time.monotonic() - self._started:6.1f} s  {printable_lines(text)}", flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m local.stage", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".stage", metavar="DIR", help="folder of the stage (default: .stage)"
    )
    parser.add_argument(
        "--env",
        default=str(ENVIRONMENTS / "local.toml"),
        metavar="NAME",
        help="name or path of the environment (default: local)",
    )
    parser.add_argument("--every", type=float, default=5, metavar="S", help="seconds between deliveries (default: 5)")
    parser.add_argument("--records", type=int, default=200, metavar="N", help="records per file (default: 200)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with ended_by_its_reader():
        sys.exit(main())
