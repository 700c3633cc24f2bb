"""Which checkpoint may fill which table, and under which ID of the stream."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vpc_flow_logs.binding import Binding, Known, bind, bind_unread, of_properties, problem
from vpc_flow_logs.checkpoint import Checkpoint
from vpc_flow_logs.history import StreamHistory

pytestmark = pytest.mark.lts

LOGS = "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1"
PATH = "/Volumes/network/flow_logs/checkpoints/a"
BOUND = Binding(stream_id="ours", checkpoint=PATH, logs_path=LOGS, query_id="query")
TABLE = Known(exists=True, binding=BOUND, history=StreamHistory(last_batch=7))
CHECKPOINT = Checkpoint(PATH, query_id="query", planned=7)
NEW = Checkpoint("/Volumes/network/flow_logs/checkpoints/new")


def why(known: Known, checkpoint: Checkpoint, logs: str | None = f"{LOGS}/*", policy: str = "refuse") -> str:
    return problem(known, checkpoint, logs, new_checkpoint=policy) or ""


def bound(known: Known, checkpoint: Checkpoint, policy: str = "refuse") -> Binding:
    return bind(known, checkpoint, f"{LOGS}/*", new_checkpoint=policy, now=1_000.9)


def test_a_binding_is_read_from_properties_as_it_was_written() -> None:
    for binding in (BOUND, replace(BOUND, query_id=None), replace(BOUND, adopted_at=12)):
        assert of_properties({"delta.other": "x", **binding.properties()}) == binding
    assert of_properties({"vpc_flow_logs.table": "records"}) is None


def test_the_tables_own_checkpoint_goes_on_also_when_it_was_moved_or_a_batch_is_planned_only() -> None:
    assert why(TABLE, CHECKPOINT) == ""
    assert why(TABLE, replace(CHECKPOINT, path="/elsewhere", planned=8)) == ""
    assert bound(TABLE, replace(CHECKPOINT, path="/elsewhere")) == replace(BOUND, checkpoint="/elsewhere")


def test_a_checkpoint_of_another_query_is_refused() -> None:
    assert "is the checkpoint of another table" in why(TABLE, replace(CHECKPOINT, query_id="other"))


@pytest.mark.parametrize("planned", [6, None])
def test_a_checkpoint_that_is_behind_its_table_is_refused(planned: int | None) -> None:
    assert "is behind its table" in why(TABLE, replace(CHECKPOINT, planned=planned))


def test_other_logs_are_refused_and_logs_that_are_not_known_to_be_good_are_not() -> None:
    assert f"is the checkpoint of the VPC Logs Path {LOGS!r}" in why(TABLE, CHECKPOINT, "s3://other/AWSLogs/*")
    assert why(TABLE, CHECKPOINT, None) == ""


def test_a_new_checkpoint_gets_an_id_that_no_table_has_seen() -> None:
    first, second = bound(TABLE, NEW), bound(TABLE, NEW)
    assert len({BOUND.stream_id, first.stream_id, second.stream_id}) == 3
    assert (first.checkpoint, first.logs_path, first.query_id, first.adopted_at) == (NEW.path, LOGS, None, None)


def test_a_new_checkpoint_for_a_table_with_rows_is_adopted_or_reloaded_or_refused() -> None:
    filled = replace(TABLE, filled=True)
    assert "is new, and the table has rows" in why(filled, NEW)
    for policy, adopted_at in (("adopt", 1_000), ("reload", None)):
        assert why(filled, NEW, policy=policy) == ""
        assert bound(filled, NEW, policy).adopted_at == adopted_at
    assert bound(TABLE, NEW, "adopt").adopted_at is None


def test_a_loss_by_a_restore_is_refused_until_it_is_accepted() -> None:
    restored = replace(TABLE, history=StreamHistory(last_batch=7, lost=(6, 7), restored_at=30))
    assert "removed its batches 6, 7," in why(restored, CHECKPOINT)
    assert "'vpc_flow_logs.accepted_restore' = '30'" in why(restored, CHECKPOINT)
    assert why(replace(restored, accepted_restore=30), CHECKPOINT) == ""
    assert why(replace(restored, accepted_restore=20), CHECKPOINT) != ""


def test_what_version_0_1_0_made_is_taken_over_with_the_id_that_it_wrote_with() -> None:
    former, checkpoint = Known(exists=True), replace(CHECKPOINT, logs_path=LOGS)
    assert why(former, checkpoint) == ""
    assert bound(former, checkpoint).stream_id == bound(former, checkpoint).query_id == "query"
    assert "is the checkpoint of the VPC Logs Path" in why(former, checkpoint, "s3://other/AWSLogs/*")
    assert "is not empty and not a checkpoint of this table" in why(former, CHECKPOINT)
    assert "is the checkpoint of another table" in why(Known(exists=False), checkpoint)


def test_a_checkpoint_that_cannot_be_read_is_known_by_its_path() -> None:
    assert bind_unread(TABLE, PATH + "/", f"{LOGS}/*") == BOUND
    assert bind_unread(TABLE, NEW.path, f"{LOGS}/*").stream_id != BOUND.stream_id


def test_a_checkpoint_whose_stream_never_got_to_its_first_batch_keeps_the_tables_id() -> None:
    """The disk was full when Spark wrote there, or another run is starting there."""
    waiting = replace(BOUND, query_id=None, adopted_at=12)
    known, half_made = Known(exists=True, filled=True, binding=waiting), Checkpoint(PATH, foreign=True)
    for checkpoint in (half_made, Checkpoint(PATH)):
        assert why(known, checkpoint) == ""
        assert bound(known, checkpoint) == waiting
    assert "is the checkpoint of the VPC Logs Path" in why(known, half_made, "s3://other/AWSLogs/*")
    assert "not a checkpoint of this job" in why(known, replace(half_made, path="/elsewhere"))
    assert "not a checkpoint of this job" in why(TABLE, half_made)
