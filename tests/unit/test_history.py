"""What a table's history says of a stream: its last batch, and batches that a RESTORE took out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from vpc_flow_logs.history import Commit, Mark, StreamHistory, marker, read, read_stream

pytestmark = pytest.mark.lts

START = datetime(2026, 11, 27, tzinfo=timezone.utc)


def commit(number: int, operation: str = "WRITE", *, batch: int | None = None, **parameters: str | None) -> Commit:
    mark = None if batch is None else marker(stream_id="ours", batch_id=batch)
    return Commit(number, START + timedelta(minutes=number), operation, parameters, mark)


def history(*commits: Commit) -> StreamHistory:
    return read_stream(sorted(commits, key=lambda each: -each.version), "ours")


def test_a_mark_is_read_as_it_was_written_and_other_texts_are_nobodys() -> None:
    assert read(marker(stream_id="ours", batch_id=7)) == Mark("ours", 7)
    for text in (None, "", "a note", "[]", "{}", '{"stream_id": "x"}', '{"stream_id": "x", "batch_id": "y"}'):
        assert read(text) is None


def test_the_newest_batch_of_the_stream_counts_whatever_else_was_committed() -> None:
    other = Commit(4, START, "WRITE", {}, marker(stream_id="other", batch_id=99))
    found = history(commit(1, batch=0), commit(2, batch=1), commit(3, "OPTIMIZE"), other)
    assert found == StreamHistory(last_batch=1)


def test_a_history_without_a_mark_says_nothing() -> None:
    assert history(commit(0, "CREATE TABLE"), commit(1)) == StreamHistory()


@pytest.mark.parametrize(
    "to", [{"version": "2", "timestamp": None}, {"version": None, "timestamp": str(START + timedelta(minutes=2))}]
)
def test_batches_that_a_restore_took_out_are_lost_until_a_later_one_follows(to: dict[str, str | None]) -> None:
    before = [commit(1, batch=0), commit(2, batch=1), commit(3, batch=2), commit(4, batch=3)]
    restore = commit(5, "RESTORE", **to)
    assert history(*before, restore) == StreamHistory(last_batch=3, lost=(2, 3), restored_at=5)
    assert history(*before, restore, commit(6, batch=4)) == StreamHistory(last_batch=4)


def test_a_restore_to_the_newest_version_takes_nothing_out() -> None:
    assert history(commit(1, batch=0), commit(2, "RESTORE", version="1")) == StreamHistory(last_batch=0)


def test_a_batch_that_is_undone_is_still_the_last_one_for_delta_skips_its_number() -> None:
    assert history(commit(1, batch=5), commit(2, "RESTORE", version="0")).last_batch == 5
