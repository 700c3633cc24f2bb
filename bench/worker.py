"""One contender in its own long-running process: `.venv/bin/python -m bench.worker NAME SCRATCH`.

For each line `{"source": …, "target": …}` on stdin, it loads a folder and prints
`{"seconds": …, "rows": …, "worker_bytes": …}`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from bench.contenders import CONTENDERS


def main() -> None:
    name, scratch = sys.argv[1], Path(sys.argv[2])
    scratch.mkdir(parents=True, exist_ok=True)
    load = CONTENDERS[name](scratch)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        started = time.perf_counter()
        count = load(Path(task["source"]), Path(task["target"]))
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "rows": count(), "worker_bytes": python_worker_bytes()}), flush=True)


def python_worker_bytes() -> int:
    """Return the peak memory of the largest Python worker among this process's descendants (Linux only)."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:  # the process has exited
            continue
        parents[int(fields["Pid"])] = (int(fields["PPid"]), fields)
    peaks = [
        int(fields["VmHWM"].split()[0]) * 1024
        for pid, (_, fields) in parents.items()
        if fields["Name"].startswith("python") and "VmHWM" in fields and _is_below(pid, os.getpid(), parents)
    ]
    return max(peaks, default=0)


def _is_below(pid: int, ancestor: int, parents: dict[int, tuple[int, dict[str, str]]]) -> bool:
    if pid == ancestor:
        return False
    while pid in parents:
        pid = parents[pid][0]
        if pid == ancestor:
            return True
    return False


if __name__ == "__main__":
    main()
