"""Rules for the checkpoints that can fill a table, and for their stream IDs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vpc_flow_logs.binding import Binding, TableState, bind, bind_unread, of_properties, problem
from vpc_flow_logs.checkpoint import Checkpoint
from vpc_flow_logs.history import StreamHistory

pytestmark = pytest.mark.lts

LOGS = "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1"
PATH = "/Volumes/network/flow_logs/checkpoints/a"
BOUND = Binding(stream_id="ours", checkpoint=PATH, logs_path=LOGS, query_id="query")
TABLE = TableState(exists=True, binding=BOUND, history=StreamHistory(last_batch=7))
CHECKPOINT = Checkpoint(PATH, query_id="query", planned=7)
NEW = Checkpoint("/Volumes/network/flow_logs/checkpoints/new")


def reason(known: TableState, checkpoint: Checkpoint, logs: str | None = f"{LOGS}/*", policy: str = "refuse") -> str:
    return problem(known, checkpoint, logs, new_checkpoint=policy) or ""


def new_binding(known: TableState, checkpoint: Checkpoint, policy: str = "refuse") -> Binding:
    return bind(known, checkpoint, f"{LOGS}/*", new_checkpoint=policy, now=1_000.9)


def test_a_binding_can_be_read_back_from_table_properties() -> None:
    for binding in (BOUND, replace(BOUND, query_id=None), replace(BOUND, adopted_at=12)):
        assert of_properties({"delta.other": "x", **binding.properties()}) == binding
    assert of_properties({"vpc_flow_logs.table": "records"}) is None


def test_the_tables_own_checkpoint_is_accepted_even_if_it_moved_or_has_an_unfinished_batch() -> None:
    assert reason(TABLE, CHECKPOINT) == ""
    assert reason(TABLE, replace(CHECKPOINT, path="/elsewhere", planned=8)) == ""
    assert new_binding(TABLE, replace(CHECKPOINT, path="/elsewhere")) == replace(BOUND, checkpoint="/elsewhere")


def test_a_checkpoint_of_another_query_is_rejected() -> None:
    assert "is the checkpoint of another table" in reason(TABLE, replace(CHECKPOINT, query_id="other"))


@pytest.mark.parametrize("planned", [6, None])
def test_a_checkpoint_that_is_behind_its_table_is_rejected(planned: int | None) -> None:
    assert "is behind its table" in reason(TABLE, replace(CHECKPOINT, planned=planned))


def test_another_logs_path_is_rejected_but_an_unverified_one_is_accepted() -> None:
    assert f"is the checkpoint of the VPC Logs Path {LOGS!r}" in reason(TABLE, CHECKPOINT, "s3://other/AWSLogs/*")
    assert reason(TABLE, CHECKPOINT, None) == ""


def test_a_new_checkpoint_gets_a_new_stream_id() -> None:
    first, second = new_binding(TABLE, NEW), new_binding(TABLE, NEW)
    assert len({BOUND.stream_id, first.stream_id, second.stream_id}) == 3
    assert (first.checkpoint, first.logs_path, first.query_id, first.adopted_at) == (NEW.path, LOGS, None, None)


def test_a_policy_adopts_reloads_or_rejects_a_new_checkpoint_for_a_table_with_rows() -> None:
    filled = replace(TABLE, filled=True)
    assert "is new, and the table has rows" in reason(filled, NEW)
    for policy, adopted_at in (("adopt", 1_000), ("reload", None)):
        assert reason(filled, NEW, policy=policy) == ""
        assert new_binding(filled, NEW, policy).adopted_at == adopted_at
    assert new_binding(TABLE, NEW, "adopt").adopted_at is None


def test_a_restore_that_lost_batches_is_rejected_until_it_is_accepted() -> None:
    restored = replace(TABLE, history=StreamHistory(last_batch=7, lost=(6, 7), restored_at=30))
    assert "removed its batches 6, 7," in reason(restored, CHECKPOINT)
    assert "'vpc_flow_logs.accepted_restore' = '30'" in reason(restored, CHECKPOINT)
    assert reason(replace(restored, accepted_restore=30), CHECKPOINT) == ""
    assert reason(replace(restored, accepted_restore=20), CHECKPOINT) != ""


def test_a_table_of_version_0_1_0_is_accepted_and_keeps_its_stream_id() -> None:
    former, checkpoint = TableState(exists=True), replace(CHECKPOINT, logs_path=LOGS)
    assert reason(former, checkpoint) == ""
    assert new_binding(former, checkpoint).stream_id == new_binding(former, checkpoint).query_id == "query"
    assert "is the checkpoint of the VPC Logs Path" in reason(former, checkpoint, "s3://other/AWSLogs/*")
    assert "is not empty and not a checkpoint of this table" in reason(former, CHECKPOINT)
    assert "is the checkpoint of another table" in reason(TableState(exists=False), checkpoint)


def test_an_unreadable_checkpoint_is_recognized_by_its_path() -> None:
    assert bind_unread(TABLE, PATH + "/", f"{LOGS}/*") == BOUND
    assert bind_unread(TABLE, NEW.path, f"{LOGS}/*").stream_id != BOUND.stream_id


def test_a_checkpoint_without_a_first_batch_keeps_the_tables_stream_id() -> None:
    """The disk was full when Spark wrote the checkpoint, or another run is starting there."""
    waiting = replace(BOUND, query_id=None, adopted_at=12)
    known, incomplete = TableState(exists=True, filled=True, binding=waiting), Checkpoint(PATH, foreign=True)
    for checkpoint in (incomplete, Checkpoint(PATH)):
        assert reason(known, checkpoint) == ""
        assert new_binding(known, checkpoint) == waiting
    assert "is the checkpoint of the VPC Logs Path" in reason(known, incomplete, "s3://other/AWSLogs/*")
    assert "not a checkpoint of this job" in reason(known, replace(incomplete, path="/elsewhere"))
    assert "not a checkpoint of this job" in reason(TABLE, incomplete)
