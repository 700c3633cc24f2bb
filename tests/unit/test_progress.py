"""Progress messages of the job."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from vpc_flow_logs.counts import Counts, summary, total
from vpc_flow_logs.progress import (
    batch_json,
    batch_line,
    contents,
    counted,
    duration,
    known_batch_line,
    quarantine_warning,
    say,
    size,
    unseen_fields_line,
)

pytestmark = pytest.mark.lts


def test_a_batch_line_shows_files_bytes_records_quarantined_lines_rate_and_delay() -> None:
    counts = Counts(files=1200, bytes=75_300_000, records=1_500_000, entries=2, lines=3, oldest=1000.0)
    assert batch_line(7, counts, seconds=2.0, now=1000.0 + 7200) == (
        "batch 7: 1,200 files, 75.3 MB, 1,500,000 records, 3 quarantined lines, 2.0 s, 750,000 records/s, 2 h behind"
    )


def test_the_json_of_a_batch_has_its_counts_seconds_and_delay() -> None:
    counts = Counts(files=1200, bytes=75_300_000, records=1_500_000, entries=2, lines=3, oldest=1000.0)
    assert json.loads(batch_json(7, counts, seconds=2.04, now=8200.4)) == {
        "batch": 7,
        "files": 1200,
        "bytes": 75_300_000,
        "records": 1_500_000,
        "quarantined_lines": 3,
        "seconds": 2.0,
        "seconds_behind": 7200,
    }
    assert json.loads(batch_json(0, Counts(files=1), seconds=1.0, now=0.0))["seconds_behind"] is None
    assert json.loads(batch_json(0, Counts(oldest=100.0), seconds=1.0, now=90.0))["seconds_behind"] == 0


def test_a_count_of_one_uses_the_singular() -> None:
    counts = Counts(files=1, bytes=1, records=1, entries=1, lines=1)
    assert contents(counts) == "1 file, 1 B, 1 record, 1 quarantined line"
    assert counted(0, "file") == "0 files"


def test_an_unknown_delay_is_left_out_and_a_delay_is_never_negative() -> None:
    assert "behind" not in batch_line(0, Counts(files=1), seconds=1.0, now=0.0)
    assert batch_line(0, Counts(files=1, oldest=100.0), seconds=1.0, now=90.0).endswith(", 0 s behind")


def test_a_batch_of_zero_seconds_does_not_divide_by_zero() -> None:
    assert "0 records/s" in batch_line(0, Counts(files=1, records=5), seconds=0.0, now=0.0)


def test_a_batch_that_is_already_in_the_tables_is_reported_as_such() -> None:
    assert known_batch_line(4, 0) == "batch 4: already in the tables"
    assert known_batch_line(4, 1) == "batch 4: already in the table; 1 quarantine entry added"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (75_000_000, "75.0 MB"),
        (2_400_000_000, "2.4 GB"),
        (3 * 10**15, "3000.0 TB"),
    ],
)
def test_bytes_are_shown_in_a_readable_unit(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (3600, "1 h"), (86_400, "1 d"), (10 * 86_400, "10 d")],
)
def test_a_delay_is_shown_in_its_largest_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_each_line_is_flushed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    flushed: list[bool] = []
    monkeypatch.setattr(sys.stdout, "flush", lambda: flushed.append(True))
    say("something")
    assert capsys.readouterr().out == "something\n"
    assert flushed


def test_counts_add_up_and_keep_the_oldest_file() -> None:
    first = Counts(files=1, bytes=10, records=3, entries=1, lines=5, oldest=20.0)
    second = Counts(files=2, bytes=20, records=4, oldest=10.0)
    assert first + second == Counts(files=3, bytes=30, records=7, entries=1, lines=5, oldest=10.0)
    assert first + Counts() == first


def test_a_task_that_ran_twice_is_counted_once() -> None:
    first, second = Counts(files=2, records=3, oldest=5.0), Counts(files=2, records=3, oldest=5.0)
    summaries = [summary("a.log", first), summary("b.log", second), summary("a.log", first)]
    assert total(summaries) == Counts(files=4, records=6, oldest=5.0)
    assert total([]) == Counts()


def test_fields_of_headers_missing_in_all_files_are_reported_with_a_suggestion() -> None:
    assert unseen_fields_line([]) is None
    assert unseen_fields_line(["scraddr"]) == (
        "note: no file has the field scraddr (did you mean srcaddr?); its column is NULL"
    )
    assert unseen_fields_line(["my-own", "type"]) == (
        "note: no file has the fields my-own, type; their columns are NULL"
    )


def test_more_quarantined_lines_than_records_cause_a_warning_with_reasons_and_a_query() -> None:
    reasons = {"invalid UTF-8 at byte 1 of the line": 1, "16 fields, but the format has 14": 1200, "a": 1, "common": 40}
    counts = Counts(files=3, records=7, entries=9, lines=1242)
    query = "SELECT reason, source_file, line_number, line FROM {} ORDER BY ingested_at DESC LIMIT 20"
    table = "`main`.`security-logs`.`flow_logs_quarantine`"
    assert quarantine_warning(counts, reasons, quarantine_table="main.security-logs.flow_logs_quarantine") == [
        "warning: quarantined 1,242 lines, loaded 7 records; main reasons:",
        "  1,200 lines: 16 fields, but the format has 14",
        "  40 lines: common",
        f"to inspect the lines: {query.format(table)}",
    ]
    for counts in (Counts(), Counts(records=5, lines=5), Counts(records=1)):
        assert quarantine_warning(counts, reasons, quarantine_table="t_quarantine") == []


NEVER_ONE = (
    r"\{len\(links\)\} answers",  # a short list shows their names
    r"\{len\(given\)\} targets",  # a flow log with one target has no problem
    r"\{len\(wheels\)\} wheels",  # one is right
    r"\{len\(value\)\} characters",  # of a value that is too long
    r"\{len\((decoded|content)\)\} bytes",  # messages of the emulated workspace
    r"\{len\(lacking\)\} things",  # next to its own singular
    r"\{len\(tags\)\} tags",  # more than AWS allows
    r"\{len\(steps\)\} steps",  # a deployment has several
    r"\{len\(RULES\)\} rules",
    r"\{len\(names\)\} packages",  # one package is named
    r"\{len\(rows\)\} lines",  # always five
)
COUNTED = re.compile(r"\{len\([^{}]*\)(?::,)?\} (?:[a-z]+ )?[a-z]+s\b")


def test_a_message_with_a_number_of_things_has_a_singular() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [
        path for folder in ("job/vpc_flow_logs", "infra", "local", "tools") for path in root.glob(f"{folder}/**/*.py")
    ]
    plurals = [match[0] for path in files for match in COUNTED.finditer(path.read_text(encoding="utf-8"))]
    assert len(plurals) > 5
    assert [text for text in plurals if not any(re.match(allowed, text) for allowed in NEVER_ONE)] == []
