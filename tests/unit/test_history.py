"""The history of a table for a stream: its last batch, and the batches that a RESTORE undid."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from vpc_flow_logs.history import Commit, Mark, StreamHistory, marker, read, read_stream

pytestmark = pytest.mark.lts

START = datetime(2026, 11, 27, tzinfo=timezone.utc)


def commit(number: int, operation: str = "WRITE", *, batch: int | None = None, **parameters: str | None) -> Commit:
    mark = None if batch is None else marker(stream_id="stream", batch_id=batch)
    return Commit(number, START + timedelta(minutes=number), operation, parameters, mark)


def history(*commits: Commit) -> StreamHistory:
    return read_stream(sorted(commits, key=lambda each: -each.version), "stream")


def test_a_mark_is_read_back_as_written_and_other_texts_are_not_marks() -> None:
    assert read(marker(stream_id="stream", batch_id=7)) == Mark("stream", 7)
    for text in (None, "", "a note", "[]", "{}", '{"stream_id": "x"}', '{"stream_id": "x", "batch_id": "y"}'):
        assert read(text) is None


def test_the_last_batch_is_the_newest_one_of_the_stream_whatever_else_was_committed() -> None:
    other = Commit(4, START, "WRITE", {}, marker(stream_id="other", batch_id=99))
    stream = history(commit(1, batch=0), commit(2, batch=1), commit(3, "OPTIMIZE"), other)
    assert stream == StreamHistory(last_batch=1)


def test_a_history_without_a_mark_has_no_last_batch() -> None:
    assert history(commit(0, "CREATE TABLE"), commit(1)) == StreamHistory()


@pytest.mark.parametrize(
    "target", [{"version": "2", "timestamp": None}, {"version": None, "timestamp": str(START + timedelta(minutes=2))}]
)
def test_batches_that_a_restore_undid_are_lost_until_a_later_batch_follows(target: dict[str, str | None]) -> None:
    before = [commit(1, batch=0), commit(2, batch=1), commit(3, batch=2), commit(4, batch=3)]
    restore = commit(5, "RESTORE", **target)
    assert history(*before, restore) == StreamHistory(last_batch=3, lost=(2, 3), restored_at=5)
    assert history(*before, restore, commit(6, batch=4)) == StreamHistory(last_batch=4)


def test_a_restore_to_the_newest_version_undoes_no_batch() -> None:
    assert history(commit(1, batch=0), commit(2, "RESTORE", version="1")) == StreamHistory(last_batch=0)


def test_a_batch_that_a_restore_undid_is_still_the_last_one_because_delta_skips_its_number() -> None:
    assert history(commit(1, batch=5), commit(2, "RESTORE", version="0")).last_batch == 5
