"""Run the whole product on this machine, from an empty folder to filled tables.

The demo starts both clouds, deploys the product into them with the CDK command line, delivers flow logs, runs the job
that loads them, queries the tables, changes the deployment while traffic flows, runs the maintenance job, and destroys
everything again. The exit status is 1 if a step fails, if the tables do not hold every delivered line, or if something
is left.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from infra.config import EnvironmentFileError
from local.aws import NotStarted
from local.broken_pipe import ended_by_its_reader
from local.demo.folder import Folder, FolderError
from local.demo.live import Live
from local.demo.script import STEPS, DemoError, play
from local.demo.traffic import LEAST_RECORDS
from local.laptop.jars import JarsError
from local.laptop.java import JavaError
from local.stage.cdk import CdkError
from local.stage.sql import SqlError
from vpc_flow_logs.terminal import printable_lines

_MOST_RECORDS = 50_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit status: 1 if something failed, differs or is left; 2 for an unusable folder."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = _options(sys.argv[1:] if arguments is None else arguments)
    folder = Folder(Path(options.folder))
    live = Live(total=STEPS)
    try:
        with folder.emptied():
            return play(folder, live, seed=options.seed, records=options.records, keep=options.keep)
    except FolderError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise  # to `ended_by_its_reader`
    except (CdkError, DemoError, EnvironmentFileError, JarsError, JavaError, NotStarted, OSError, SqlError) as error:
        print(
            f"\nthe demo failed: {printable_lines(str(error))}\nall of its processes have ended",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nstopped; all processes of the demo have ended", file=sys.stderr)
        return 128 + signal.SIGINT


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m local.demo",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", default=".demo", help="folder for all files; emptied at the start (default: .demo)")
    parser.add_argument(
        "--records", type=_number, default=120_000, metavar="N",
        help="records of the first hour; traffic continues at the same rate (default: 120000)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the generated network (default: 1)")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="destroy nothing; keep both clouds running until Ctrl-C, to try them by hand",
    )
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    if not LEAST_RECORDS <= number <= _MOST_RECORDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {LEAST_RECORDS} to {_MOST_RECORDS}")
    return number


def end_on_signals() -> None:
    """Make SIGTERM and SIGHUP end the program with a cleanup, as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, end)


if __name__ == "__main__":
    end_on_signals()
    with ended_by_its_reader():
        sys.exit(main())
