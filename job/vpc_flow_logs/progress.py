"""The lines that the job prints while it runs: one per micro-batch, a summary at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vpc_flow_logs.counts import Counts
from vpc_flow_logs.fields import suggestion
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.terminal import printable

_UNITS = ("B", "kB", "MB", "GB", "TB")
_REASONS = 2


def say(line: str) -> None:
    """Print a line at once: whoever looks at a run's output sees it while it runs.

    It stays one line, and does nothing to a terminal, whatever a file that it names is called.
    """
    print(printable(line), flush=True)


def batch_line(batch_id: int, counts: Counts, *, seconds: float, now: float) -> str:
    """Return one micro-batch in one line.

    >>> batch_line(3, Counts(files=2, bytes=2_500_000, records=90_000, oldest=100.0), seconds=1.5, now=160.0)
    'batch 3: 2 files, 2.5 MB, 90,000 records, 0 quarantined lines, 1.5 s, 60,000 records/s, 1 min behind'
    """
    behind = "" if counts.oldest is None else f", {duration(max(0.0, now - counts.oldest))} behind"
    rate = counts.records / seconds if seconds else 0
    return f"batch {batch_id}: {held(counts)}, {seconds:.1f} s, {rate:,.0f} records/s{behind}"


def known_batch_line(batch_id: int, entries: int) -> str:
    """Return the line of a micro-batch whose records the table had before; ``entries`` went to the quarantine now.

    >>> known_batch_line(3, 0), known_batch_line(3, 2)
    ('batch 3: was in the tables already', 'batch 3: was in the table already; 2 quarantine entries added')
    """
    if not entries:
        return f"batch {batch_id}: was in the tables already"
    added = counted(entries, "quarantine entry", "quarantine entries")
    return f"batch {batch_id}: was in the table already; {added} added"


def unseen_fields_line(names: Sequence[str]) -> str | None:
    """Return the line about undocumented fields of Headers that no file had so far; None if there are none.

    >>> unseen_fields_line(["scraddr", "mine"])
    'note: no file has the fields scraddr (did you mean srcaddr?), mine; their columns are NULL'
    """
    if not names:
        return None
    shown = ", ".join(f"{name} (did you mean {close}?)" if (close := suggestion(name)) else name for name in names)
    one = len(names) == 1
    return f"note: no file has the field{'' if one else 's'} {shown}; " + (
        "its column is NULL" if one else "their columns are NULL"
    )


def quarantine_warning(counts: Counts, reasons: Mapping[str, int], *, quarantine_table: str) -> list[str]:
    """Return the lines that end a run with more quarantined lines than records; none for another run.

    Args:
        counts: What the run loaded.
        reasons: How many of the quarantined lines each reason stands for. The two with most lines are named.
        quarantine_table: Its name.
    """
    if counts.lines <= counts.records:
        return []
    main = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:_REASONS]
    lines, records = counted(counts.lines, "line"), counted(counts.records, "record")
    query = "SELECT reason, source_file, line_number, line FROM {} ORDER BY ingested_at DESC LIMIT 20"
    return [
        f"warning: {lines} went to the quarantine, {records} to the table; the main reasons:",
        *(f"  {counted(number, 'line')}: {reason}" for reason, number in main),
        f"look at them: {query.format(quoted(quarantine_table))}",
    ]


def no_files_line(path: str) -> str:
    """Return the line of a run that has found no file at all, now or before."""
    return f"note: no file matches {path}; check the VPC Logs Path, or run again when there are files"


def held(counts: Counts) -> str:
    """What files held, in words."""
    return (
        f"{counted(counts.files, 'file')}, {size(counts.bytes)}, {counted(counts.records, 'record')}, "
        f"{counted(counts.lines, 'quarantined line')}"
    )


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun.

    >>> counted(1, "file"), counted(1200, "file"), counted(2, "batch", "batches")
    ('1 file', '1,200 files', '2 batches')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(count: int) -> str:
    """Bytes in a readable unit."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """A time in its largest readable unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
