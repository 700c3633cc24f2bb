"""Streams in file notification mode: each file is read once, even if events are lost, duplicated or late."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from local.cloud_files.error import CloudFilesError
from local.cloud_files.intake import Intake
from local.cloud_files.log import FileLog
from local.cloud_files.notified import Notified
from local.cloud_files.options import Options
from local.cloud_files.pattern import Pattern
from local.cloud_files.queue import MESSAGES
from local.cloud_files.selection import Selection
from local.cloud_files.stream_state import StateFile
from tests.support.queues import Bucket, Killed, Moments, Sqs, event, wrapped


class Stream:
    """A stream as Spark drives it: Spark records the end of a batch, reads the batch and commits it.

    The attributes hold what Spark has on disk: the planned ends, the commits, and each batch's files in the table.
    """

    def __init__(self, folder: Path, bucket: Bucket, *, interval: float | None = None) -> None:
        self.folder = folder
        self.bucket = bucket
        self.interval = interval
        self.clock = 1000.0
        self.ends: list[int] = []
        self.commits = 0
        self.table: dict[int, list[str]] = {}
        self.log: FileLog | None = None

    def open(self, **options: object) -> Intake:
        stream_options = Options(path="s3://b/in", **options)  # type: ignore[arg-type]
        self.log = FileLog(self.folder, patience=0)
        notified = Notified(
            self.bucket,
            self.bucket,
            selection=Selection(Pattern("/b/in")),
            bucket="b",
            state=StateFile(self.folder),
            interval=self.interval,
            clock=lambda: self.clock,
        )
        return Intake(self.log, notified, options=stream_options, clock=lambda: self.clock)

    def run(self, moment: Callable[[], object] = lambda: None, **options: object) -> None:
        """Start, finish the planned batch, and read until no file is left."""
        try:
            intake = self.open(**options)
            start = self.ends[self.commits - 1] if self.commits else intake.first
            if self.commits < len(self.ends):
                start = self._batch(intake, start, moment)
            while (end := intake.latest(start)) > start:
                moment()
                self.ends.append(end)
                moment()
                start = self._batch(intake, start, moment)
            # Spark also polls an idle stream.
            intake.latest(start)
        finally:
            if self.log is not None:
                self.log.close()

    def _batch(self, intake: Intake, start: int, moment: Callable[[], object]) -> int:
        number = self.commits
        end = self.ends[number]
        files = [file.path for file in intake.files(start, end)]
        assert self.table.get(number, files) == files, "a repeated batch must have the same files"
        moment()
        self.table[number] = files
        moment()
        self.commits += 1
        return end

    @property
    def read(self) -> list[str]:
        """Return the keys in the table, sorted."""
        return sorted(path.removeprefix("s3://b/in/") for files in self.table.values() for path in files)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(Sqs())


def test_a_stream_lists_once_and_then_reads_events(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("in/1", events=0)
    stream = Stream(tmp_path, bucket)
    stream.run()
    bucket.put("in/2")
    stream.run()
    assert (stream.read, bucket.listings) == (["1", "2"], 1)
    assert bucket.sqs.bodies == {}


def test_duplicate_foreign_and_test_events_are_deleted_without_effect(tmp_path: Path, bucket: Bucket) -> None:
    stream = Stream(tmp_path, bucket)
    stream.run()
    bucket.put("in/1", events=3)
    for body in (
        event("in/_hidden"),
        event("out/1"),
        event("in/1", bucket="other"),
        event("in/1", name="ObjectRemoved:Delete"),
        event("in/folder/"),
        wrapped({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
    ):
        bucket.sqs.send(body)
    stream.run()
    bucket.sqs.send(event("in/1"))
    stream.run()
    assert stream.read == ["1"]
    assert bucket.sqs.bodies == {}


@pytest.mark.parametrize("body", ["not json", "[]", '{"Records": []}', wrapped({"a": 1}), wrapped("text")])
def test_a_message_that_is_not_an_event_stays_in_the_queue(
    body: str, tmp_path: Path, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.sqs.send(body)
    bucket.put("in/1")
    stream = Stream(tmp_path, bucket)
    stream.run()
    assert stream.read == ["1"]
    assert list(bucket.sqs.bodies.values()) == [body]
    assert "stays in the queue" in caplog.text


def test_only_an_idle_stream_waits_for_a_message(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("in/1", events=0)
    intake = Stream(tmp_path, bucket).open()
    intake.latest(0)  # the listing found a file
    intake.latest(0)  # that is not read yet
    intake.latest(1)
    assert bucket.sqs.waits == [0, 0, 1]


def test_an_idle_stream_waits_for_a_message_even_without_a_start_offset(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("in/1")
    intake = Stream(tmp_path, bucket).open()
    assert intake.latest() == 1
    intake.committed(1)
    assert bucket.sqs.bodies == {}
    del bucket.sqs.waits[:]
    assert intake.latest() == 1
    assert bucket.sqs.waits == [1]


def test_keys_in_events_are_decoded(tmp_path: Path, bucket: Bucket) -> None:
    stream = Stream(tmp_path, bucket)
    stream.run()
    bucket.sqs.send(event("in/a+b%2B%C3%BC%2520.gz"))
    stream.run()
    assert stream.read == ["a b+ü%20.gz"]


def test_a_message_is_deleted_only_when_its_batch_is_committed(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("in/1")
    bucket.put("in/2")
    stream = Stream(tmp_path, bucket)
    intake = stream.open(max_files=1)
    assert (intake.latest(0), len(bucket.sqs.bodies)) == (1, 2)
    intake.committed(1)
    # Messages that arrive together are deleted once the files of all of them are committed.
    assert len(bucket.sqs.bodies) == 2
    intake.committed(2)
    assert bucket.sqs.bodies == {}


def test_a_redelivered_message_is_hidden_longer_and_deleted_with_its_newest_receipt(
    tmp_path: Path, bucket: Bucket
) -> None:
    bucket.put("in/1")
    stream = Stream(tmp_path, bucket)
    intake = stream.open()
    assert intake.latest(0) == 1
    bucket.sqs.show_again()
    intake.discover()
    assert bucket.sqs.calls.count("hide") == 1
    intake.committed(1)
    assert bucket.sqs.bodies == {}


def test_a_run_with_an_end_reads_all_waiting_messages(tmp_path: Path, bucket: Bucket) -> None:
    stream = Stream(tmp_path, bucket)
    stream.run()
    for number in range(MESSAGES + 5):
        bucket.put(f"in/{number}")
    intake = stream.open(max_files=10)
    intake.freeze()
    bucket.put("in/late")
    assert len(intake.files(0, MESSAGES + 5)) == MESSAGES + 5
    assert intake.latest(MESSAGES + 5) == MESSAGES + 5


def test_a_run_with_an_end_ends_even_if_the_queue_hides_no_message(tmp_path: Path, bucket: Bucket) -> None:
    bucket.sqs.hides = False
    bucket.put("in/1")
    bucket.sqs.send("not an event")
    intake = Stream(tmp_path, bucket).open()
    intake.freeze()
    assert [file.path for file in intake.files(0, intake.latest(0))] == ["s3://b/in/1"]


def test_files_with_lost_events_are_listed_at_the_interval_and_not_earlier(tmp_path: Path, bucket: Bucket) -> None:
    stream = Stream(tmp_path, bucket, interval=60)
    stream.run()
    bucket.put("in/lost", events=0)
    stream.clock += 59
    stream.run()
    assert (stream.read, bucket.listings, bucket.opened) == ([], 1, 2)
    stream.clock += 1
    stream.run()
    assert (stream.read, bucket.listings, bucket.opened) == (["lost"], 2, 4)
    # The event was late, not lost.
    bucket.sqs.send(event("in/lost"))
    stream.run()
    assert (stream.read, bucket.listings) == (["lost"], 2)


def test_a_clock_that_is_set_back_makes_the_stream_list(tmp_path: Path, bucket: Bucket) -> None:
    stream = Stream(tmp_path, bucket, interval=60)
    stream.run()
    stream.clock -= 500
    bucket.put("in/lost", events=0)
    stream.run()
    assert stream.read == ["lost"]


def test_files_from_before_the_first_start_can_be_excluded_permanently(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("in/old")
    stream = Stream(tmp_path, bucket, interval=60)
    stream.run(include_existing=False)
    bucket.put("in/new")
    stream.run(include_existing=False)
    stream.clock += 100
    stream.run(include_existing=False)
    assert stream.read == ["new"]


def test_a_denied_queue_call_is_reported_with_its_action_and_queue(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("in/1")
    for call, action in (("receive", "sqs:ReceiveMessage"), ("delete", "sqs:DeleteMessage")):
        bucket.sqs.errors = {call: "AccessDenied"}
        with pytest.raises(CloudFilesError, match=f"{action} on arn:aws:sqs:us-east-1:111122223333:q is denied"):
            Stream(tmp_path / call, bucket).run()
        bucket.sqs.show_again()


def test_a_stream_that_is_killed_at_any_moment_reads_each_file_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at = 0
    while _killed(tmp_path / str(kill_at), kill_at, monkeypatch):
        kill_at += 1
    # The moments: receives, deletes, and writes of the list, the state, the offsets and the commits.
    assert kill_at > 60


def _killed(folder: Path, kill_at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run a stream with one kill at the given moment; return False if it ended before that moment."""
    moments = Moments(kill_at)
    sqs = Sqs(moments.pass_one)
    stream = Stream(folder, Bucket(sqs), interval=60)
    killed = False

    def run(**options: object) -> None:
        nonlocal killed
        with monkeypatch.context() as patched:
            # The data does not need to reach the disk; a call to fsync only marks a moment.
            patched.setattr(os, "fsync", moments.pass_one)
            try:
                stream.run(moments.pass_one, max_files=2, **options)
            except Killed:
                killed = True
                sqs.show_again()
                stream.run(moments.pass_one, max_files=2, **options)

    stream.bucket.put("in/1", events=0)
    run()
    for number in range(2, 6):
        stream.bucket.put(f"in/{number}", events=2 if number == 3 else 1)
    run()
    stream.bucket.put("in/6", events=0)
    stream.clock += 60
    stream.bucket.put("in/7")
    run()
    assert stream.read == [str(number) for number in range(1, 8)], f"killed at {kill_at}"
    run()
    assert sqs.bodies == {}
    return killed
