"""``python -m local.demo``: everything from nothing to a filled table on this machine.

Three steps, each of its own: flow log files are written as AWS delivers them, the job loads them, the tables are shown
and compared with what was written. The exit status is 1 when they differ.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local.demo import delivery, process
from local.demo.folder import TABLE, Folder, FolderError
from local.demo.manifest import Manifest
from local.demo.text import shown

_STEPS = 3
_MOST_RECORDS = 50_000_000
_REGION = "us-east-1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit status: 0, 1 when something failed or is missing, 2 for arguments that cannot be used."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = _options(sys.argv[1:] if arguments is None else arguments)
    folder = Folder(Path(options.folder))
    try:
        with folder.emptied():
            return _run(folder, count=options.records, seed=options.seed)
    except FolderError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"the demo cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing of the demo is running any more", file=sys.stderr)
        return 128 + signal.SIGINT


def _run(folder: Folder, *, count: int, seed: int) -> int:
    with _step(1, f"an hour of traffic of three flow logs, as files below {shown(folder.bucket)}"):
        manifest = delivery.deliver(folder.bucket, count=count, seed=seed)
        manifest.save(folder.manifest)
        _say_delivered(manifest)
    with _step(2, "the job loads them into a Delta table"):
        command = [shown(Path(sys.executable)), "-m", "local.ingest"]
        parameters = job_parameters(folder, manifest)
        _say_command(command, parameters)
        status = process.run([*command, *(word for pair in parameters for word in pair)])
    if status:
        print(f"the job ended with exit status {status}; what it said stands above", file=sys.stderr)
        return 1
    with _step(3, "what is in the tables, and whether anything is lost"):
        status = process.run([sys.executable, "-m", "local.demo.results", str(folder.path)])
    if status:
        print("the tables do not hold what was delivered, or cannot be read: see above", file=sys.stderr)
        return 1
    print("Next: the same with your own files. README.md says how, under 'Your own files'.")
    return 0


def job_parameters(folder: Folder, manifest: Manifest) -> list[tuple[str, str]]:
    """The job's parameters, as a user would type them."""
    return [
        ("--vpc-logs-path", f"{shown(folder.bucket)}/AWSLogs/*"),
        ("--delta-output-path", shown(folder.table)),
        ("--checkpoint-path", shown(folder.checkpoint)),
        ("--table-name", TABLE),
        ("--region-name", _REGION),
        ("--headers", ",".join(manifest.headers)),
    ]


def _say_delivered(manifest: Manifest) -> None:
    for log in manifest.flow_logs:
        print(f"    {log.what}: {log.format}, {log.files:,} files, {log.lines:,} lines")
    for file in manifest.damaged:
        print(f"    damaged: {file.name}: {file.done}")
    print(f"    {manifest.files:,} files, {manifest.lines:,} lines, {manifest.quarantined:,} of them unreadable")


def _say_command(command: Sequence[str], parameters: Sequence[tuple[str, str]]) -> None:
    words = [shlex.join(command), *(f"{name} {shlex.quote(value)}" for name, value in parameters)]
    print("    " + " \\\n        ".join(words) + "\n", flush=True)


@contextmanager
def _step(number: int, what: str) -> Iterator[None]:
    print(f"{number}/{_STEPS}  {what}\n", flush=True)
    started = time.monotonic()
    yield
    print(f"\n     {time.monotonic() - started:.0f} s\n", flush=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", default=".demo", help="where everything is kept; emptied first (default: .demo)")
    parser.add_argument(
        "--records", type=_number, default=200_000, metavar="N", help="records to write (default: 200000)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another network (default: 1)")
    return parser.parse_args(arguments)


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
    if not delivery.LEAST_RECORDS <= number <= _MOST_RECORDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number from {delivery.LEAST_RECORDS} to {_MOST_RECORDS}"
        )
    return number


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    sys.exit(main())
