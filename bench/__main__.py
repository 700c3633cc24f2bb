"""Run all benchmarks, print the results, and write them to `bench/RESULTS.md`: `.venv/bin/python -m bench`."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from bench.contenders import CONTENDERS
from bench.data import Load, make
from bench.results import Measured, page

ROOT = Path(__file__).parent.parent
SCRATCH = ROOT / ".bench"


class Worker:
    """A contender's process, which loads one folder after another."""

    def __init__(self, name: str, scratch: Path) -> None:
        self.name = name
        command = [sys.executable, "-m", "bench.worker", name, str(scratch)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._answer()

    def load(self, source: Path, target: Path) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"source": str(source), "target": str(target)}) + "\n")
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, float] = json.loads(line)
                return answer
        raise SystemExit(
            f"bench: the contender {self.name} exited with status {self._process.wait()}; see its error above"
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def main() -> None:
    options = _options()
    shutil.rmtree(SCRATCH / "run", ignore_errors=True)
    loads = [Load("big", 8, options.records), Load("small", options.small_files, 100)]
    heavy = Load("heavy", 1, options.heavy_records)
    for load in (*loads, heavy):
        print(f"data: {load.files:,} files x {load.records_of_a_file:,} records", flush=True)
        make(load, SCRATCH / "data")
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(name, SCRATCH / "run" / name)) for name in CONTENDERS]
        measured = [_measure(load, workers, options.rounds) for load in loads]
    # A new process, so that the peak is that of the one file.
    with Worker("job", SCRATCH / "run" / "heavy") as worker:
        answer = worker.load(heavy.folder(SCRATCH / "data"), SCRATCH / "run" / "heavy" / "0")
    size = max(path.stat().st_size for path in heavy.folder(SCRATCH / "data").rglob("*.gz"))
    text = page(measured, worker_bytes=int(answer["worker_bytes"]), big_file_bytes=size)
    (ROOT / "bench" / "RESULTS.md").write_text(text)
    shutil.rmtree(SCRATCH / "run", ignore_errors=True)
    print(text + f"Results are in bench/RESULTS.md. The data stays in {SCRATCH.name}/data for the next run")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".venv/bin/python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds (default: 3)")
    parser.add_argument("--records", type=int, default=1_000_000, help="records per big file (default: 1,000,000)")
    parser.add_argument("--small-files", type=int, default=10_000, help="files of 100 records each (default: 10,000)")
    parser.add_argument(
        "--heavy-records",
        type=int,
        default=3_500_000,
        help="records in the file for the memory measurement (default: 3,500,000)",
    )
    return parser.parse_args()


def _measure(load: Load, workers: list[Worker], rounds: int) -> Measured:
    seconds: dict[str, list[float]] = {worker.name: [] for worker in workers}
    for number in range(rounds + 1):
        for worker in workers:
            target = SCRATCH / "run" / worker.name / f"{load.name}-{number}"
            answer = worker.load(load.folder(SCRATCH / "data"), target)
            shutil.rmtree(target, ignore_errors=True)
            if answer["rows"] != load.records:
                raise SystemExit(f"bench: {worker.name} loaded {answer['rows']:,.0f} of {load.records:,} records")
            counted = number > 0
            note = "" if counted else " (warm-up)"
            print(f"{load.name}: {worker.name} {answer['seconds']:.1f} s{note}", flush=True)
            if counted:
                seconds[worker.name].append(answer["seconds"])
    return Measured(load=load, seconds=seconds)


if __name__ == "__main__":
    main()
