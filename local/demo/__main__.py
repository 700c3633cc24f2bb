"""``python -m local.demo``: everything from nothing to a filled table on this machine.

Both clouds are started here, the product is deployed into them with the real CDK command line, flow logs are delivered,
the job loads them, questions are answered, the deployment is changed while traffic flows, and all of it is taken down
again. The exit status is 1 when the tables do not hold what was delivered, or when something is left.
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
    """Run the demo; the exit status: 0, 1 when something failed or is missing, 2 for arguments that cannot be used."""
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
            f"\nthe demo cannot go on: {printable_lines(str(error))}\nnothing of it is running any more",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing of the demo is running any more", file=sys.stderr)
        return 128 + signal.SIGINT


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m local.demo",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", default=".demo", help="where everything is kept; emptied first (default: .demo)")
    parser.add_argument(
        "--records", type=_number, default=120_000, metavar="N",
        help="records of the first hour; traffic goes on at that rate (default: 120000)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another network (default: 1)")
    parser.add_argument(
        "--keep", action="store_true", help="destroy nothing: leave both clouds running until Ctrl-C, to try by hand"
    )
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    if not LEAST_RECORDS <= number <= _MOST_RECORDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {LEAST_RECORDS} to {_MOST_RECORDS}")
    return number


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the program with what it has to clean up, as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, end)


if __name__ == "__main__":
    end_on_signals()
    with ended_by_its_reader():
        sys.exit(main())
