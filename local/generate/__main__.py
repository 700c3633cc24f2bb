"""``python -m local.generate``: write a folder of realistic flow log files, in the layout that AWS uses in a bucket."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from infra.interruption import interruptible
from local.broken_pipe import ended_by_its_reader
from local.generate.arguments import InvalidArguments, Plan, plan_of
from local.traffic.files import PERIOD_SECONDS, WrittenFile, write
from local.traffic.records import records
from vpc_flow_logs.fields import FIELDS, canonical
from vpc_flow_logs.progress import counted

_DRAW_ROWS = 1_000_000  # records are drawn for several files at once, up to about this number


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, and print a summary with the next step.

    Args:
        arguments: by default, the command line's.

    Returns:
        The exit status: 2 for invalid arguments, 1 if a file cannot be written.
    """
    try:
        plan = plan_of(sys.argv[1:] if arguments is None else arguments)
        written = list(generate(plan))
    except InvalidArguments as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"Cannot write the files: {error}", file=sys.stderr)
        return 1
    print(summary(plan, written))
    return 0


def generate(plan: Plan) -> Iterator[WrittenFile]:
    """Write the plan's files one by one. Equal plans give equal files with equal names."""
    periods = -(-plan.minutes * 60 // PERIOD_SECONDS)
    sizes = _shares(plan.records, plan.files)
    of_flow_log = _shares(plan.files, len(plan.flow_logs))
    for number, (flow_log, files) in enumerate(zip(plan.flow_logs, of_flow_log, strict=True)):
        own = [sizes.pop() for _ in range(files)]
        begun = 0
        for period, in_period in enumerate(_shares(files, periods)):
            when = plan.start + timedelta(seconds=PERIOD_SECONDS * period)
            for batch in _batches(range(begun, begun + in_period), own):
                seed = int.from_bytes(hashlib.sha256(f"{plan.seed} {number} {batch[0]}".encode()).digest()[:8], "big")
                table = records(
                    plan.network,
                    flow_log.fields,
                    start=int(when.timestamp()),
                    seconds=PERIOD_SECONDS,
                    count=sum(own[part] for part in batch),
                    seed=seed,
                    aggregation_seconds=flow_log.aggregation_seconds,
                )
                first = 0
                for part in batch:
                    yield write(flow_log, table.slice(first, own[part]), plan.output, when=when, part=part)
                    first += own[part]
            begun += in_period


def summary(plan: Plan, written: Sequence[WrittenFile]) -> str:
    """Return a summary of the files, and the command that loads them into a table."""
    rows, size = sum(file.rows for file in written), sum(file.size for file in written)
    lines = [f"{counted(len(written), 'file')}, {counted(rows, 'record')}, {size:,} bytes in {plan.output}"]
    for log in plan.flow_logs:
        own = [file for file in written if f"_{log.id}_" in file.path.name]
        begin, end = plan.start, plan.start + timedelta(minutes=plan.minutes)
        lines.append(
            f"  {log.id}: {counted(len(log.fields), 'field')}, {log.file_format}, {counted(len(own), 'file')}, "
            f"{counted(sum(file.rows for file in own), 'record')}, {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
        )
    rejected = sum(file.actions.get("REJECT", 0) for file in written)
    if rejected:
        lines.append(f"  {counted(rejected, 'record')} with action REJECT")
    headers = [
        field.name for field in FIELDS if any(field.name in map(canonical, log.fields) for log in plan.flow_logs)
    ]
    result = Path(f"{plan.output}-table")
    options = {
        "--vpc-logs-path": f"{plan.output / plan.flow_logs[0].folder}/*",
        "--delta-output-path": str(result / "delta"),
        "--checkpoint-path": str(result / "checkpoint"),
        "--table-name": "vpc_flow_logs",
        "--region-name": plan.network.region,
        "--headers": ",".join(headers),
    }
    command = " \\\n    ".join(f"{name} {shlex.quote(value)}" for name, value in options.items())
    return "\n".join([*lines, "To load them into a table:", f"  .venv/bin/python -m local.ingest \\\n    {command}"])


def _shares(total: int, count: int) -> list[int]:
    """Split a total into ``count`` nearly equal whole shares, with the larger ones spread among the smaller."""
    return [total * (place + 1) // count - total * place // count for place in range(count)]


def _batches(parts: range, sizes: Sequence[int]) -> Iterator[list[int]]:
    """Yield groups of consecutive files. The records of a group are drawn together."""
    batch: list[int] = []
    for part in parts:
        if batch and sum(sizes[other] for other in batch) + sizes[part] > _DRAW_ROWS:
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


if __name__ == "__main__":
    with ended_by_its_reader(), interruptible():
        sys.exit(main())
