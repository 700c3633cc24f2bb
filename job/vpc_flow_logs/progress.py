"""The lines that the job prints while it runs: a sentence and JSON per micro-batch, and a summary at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from vpc_flow_logs.counts import Counts
from vpc_flow_logs.fields import suggestion
from vpc_flow_logs.sql import quoted
from vpc_flow_logs.terminal import printable

_UNITS = ("B", "kB", "MB", "GB", "TB")
_REASONS = 2


def say(line: str) -> None:
    """Print a line immediately, so that the output of a run can be followed.

    Special characters, such as those in file names, are escaped: the text stays on one line and cannot control a
    terminal.
    """
    print(printable(line), flush=True)


def batch_line(batch_id: int, counts: Counts, *, seconds: float, now: float) -> str:
    """Return the line for a micro-batch.

    >>> batch_line(3, Counts(files=2, bytes=2_500_000, records=90_000, oldest=100.0), seconds=1.5, now=160.0)
    'batch 3: 2 files, 2.5 MB, 90,000 records, 0 quarantined lines, 1.5 s, 60,000 records/s, 1 min behind'
    """
    behind = "" if counts.oldest is None else f", {duration(max(0.0, now - counts.oldest))} behind"
    rate = counts.records / seconds if seconds else 0
    return f"batch {batch_id}: {contents(counts)}, {seconds:.1f} s, {rate:,.0f} records/s{behind}"


def batch_json(batch_id: int, counts: Counts, *, seconds: float, now: float) -> str:
    """Return the contents of `batch_line` as a line of JSON, for programs. ``seconds_behind`` is null if unknown.

    >>> batch_json(3, Counts(files=2, bytes=5, records=9), seconds=1.5, now=160.0)
    '{"batch": 3, "files": 2, "bytes": 5, "records": 9, "quarantined_lines": 0, "seconds": 1.5, "seconds_behind": null}'
    """
    behind = None if counts.oldest is None else round(max(0.0, now - counts.oldest))
    return json.dumps(
        {
            "batch": batch_id,
            "files": counts.files,
            "bytes": counts.bytes,
            "records": counts.records,
            "quarantined_lines": counts.lines,
            "seconds": round(seconds, 1),
            "seconds_behind": behind,
        }
    )


def known_batch_line(batch_id: int, entries: int) -> str:
    """Return the line for a micro-batch with records that the table already has.

    Args:
        batch_id: Number of the batch.
        entries: Number of quarantine entries that were still missing and have been added.

    >>> known_batch_line(3, 0), known_batch_line(3, 2)
    ('batch 3: already in the tables', 'batch 3: already in the table; 2 quarantine entries added')
    """
    if not entries:
        return f"batch {batch_id}: already in the tables"
    added = counted(entries, "quarantine entry", "quarantine entries")
    return f"batch {batch_id}: already in the table; {added} added"


def unseen_fields_line(names: Sequence[str]) -> str | None:
    """Return the note about undocumented fields in Headers that no file contains so far, or None.

    >>> unseen_fields_line(["scraddr", "mine"])
    'note: no file has the fields scraddr (did you mean srcaddr?), mine; their columns are NULL'
    """
    if not names:
        return None
    shown = ", ".join(f"{name} (did you mean {close}?)" if (close := suggestion(name)) else name for name in names)
    is_single = len(names) == 1
    return f"note: no file has the field{'' if is_single else 's'} {shown}; " + (
        "its column is NULL" if is_single else "their columns are NULL"
    )


def quarantine_warning(counts: Counts, reasons: Mapping[str, int], *, quarantine_table: str) -> list[str]:
    """Return the warning for a run with more quarantined lines than records; an empty list for other runs.

    Args:
        counts: The counts of the run.
        reasons: Number of quarantined lines per reason. The warning lists the two most frequent reasons.
        quarantine_table: Name of the quarantine table.
    """
    if counts.lines <= counts.records:
        return []
    main = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:_REASONS]
    lines, records = counted(counts.lines, "line"), counted(counts.records, "record")
    query = "SELECT reason, source_file, line_number, line FROM {} ORDER BY ingested_at DESC LIMIT 20"
    return [
        f"warning: quarantined {lines}, loaded {records}; main reasons:",
        *(f"  {counted(number, 'line')}: {reason}" for reason, number in main),
        f"to inspect the lines: {query.format(quoted(quarantine_table))}",
    ]


def no_files_line(path: str) -> str:
    """Return the note for a stream that has never found a file."""
    return f"note: no file matches {path}; check the VPC Logs Path, or run the job again when there are files"


def contents(counts: Counts) -> str:
    """Return the counts as text: files, size, records and quarantined lines."""
    return (
        f"{counted(counts.files, 'file')}, {size(counts.bytes)}, {counted(counts.records, 'record')}, "
        f"{counted(counts.lines, 'quarantined line')}"
    )


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in the singular or plural.

    >>> counted(1, "file"), counted(1200, "file"), counted(2, "batch", "batches")
    ('1 file', '1,200 files', '2 batches')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(count: int) -> str:
    """Return a number of bytes in a readable unit."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a duration in its largest whole unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
