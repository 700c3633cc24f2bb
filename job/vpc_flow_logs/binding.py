"""The binding of a table to its stream: the checkpoint that fills the table, and its VPC Logs Path.

The binding is stored in table properties, which Spark SQL can read everywhere. Delta uses its stream ID (``txnAppId``)
to recognize a batch that runs again. A checkpoint is identified by the ID that Spark keeps in it, not by its path: a
checkpoint can be moved or renamed, and a new folder at an old path is a new checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from vpc_flow_logs.checkpoint import Checkpoint
from vpc_flow_logs.history import StreamHistory
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.paths import same

_PREFIX = "vpc_flow_logs."

ACCEPTED_RESTORE = f"{_PREFIX}accepted_restore"
"""Table property that accepts the loss of the rows that a RESTORE removed; its value is the version of the RESTORE."""

_NEW_AND_ADOPT = "use a new folder as the Checkpoint Path, with --new-checkpoint adopt"


@dataclass(frozen=True)
class Binding:
    """The stream that fills a table.

    Attributes:
        stream_id: A unique ID per checkpoint. If a second checkpoint used it, Delta would skip its first batches.
        checkpoint: The Checkpoint Path.
        logs_path: The VPC Logs Path.
        query_id: The ID that Spark keeps in the checkpoint; None until the stream has started once.
        adopted_at: The time at which this stream took over a table that had rows, in seconds since 1970. Before the
            stream loads an older file, it checks whether the table has it. None for a stream that filled its table
            from the start.
    """

    stream_id: str
    checkpoint: str
    logs_path: str
    query_id: str | None = None
    adopted_at: int | None = None

    def properties(self) -> dict[str, str]:
        """Return the binding as table properties."""
        values = {
            "stream_id": self.stream_id,
            "checkpoint": self.checkpoint,
            "logs_path": self.logs_path,
            "query_id": self.query_id or "",
            "adopted_at": "" if self.adopted_at is None else str(self.adopted_at),
        }
        return {f"{_PREFIX}{name}": value for name, value in values.items()}


@dataclass(frozen=True)
class TableState:
    """The state of the table before a run.

    Attributes:
        exists: Whether the table exists.
        filled: Whether the table or its quarantine table has rows; determined only for a new checkpoint.
        binding: The binding of the table; None if there is no table, or if version 0.1.0 created it.
        history: The batches of its stream in the table's history; not read for a new checkpoint.
        accepted_restore: Version of the RESTORE whose data loss a user accepted; None if there is none.
    """

    exists: bool
    filled: bool = False
    binding: Binding | None = None
    history: StreamHistory = field(default_factory=StreamHistory)
    accepted_restore: int | None = None


def of_properties(properties: Mapping[str, str]) -> Binding | None:
    """Return the binding in a table's properties; None for a table without one."""
    values = {name: properties.get(f"{_PREFIX}{name}", "") for name in ("stream_id", "checkpoint", "logs_path")}
    if not values["stream_id"]:
        return None
    adopted = properties.get(f"{_PREFIX}adopted_at", "")
    return Binding(
        **values,
        query_id=properties.get(f"{_PREFIX}query_id") or None,
        adopted_at=int(adopted) if adopted.isdigit() else None,
    )


def problem(known: TableState, checkpoint: Checkpoint, logs_path: str | None, *, new_checkpoint: str) -> str | None:
    """Return the reason that the checkpoint cannot fill the table, or None.

    Args:
        known: The state of the table.
        checkpoint: The contents of the checkpoint folder.
        logs_path: The VPC Logs Path; None if it is not known to be valid.
        new_checkpoint: How to use a new checkpoint with a table that has rows: ``refuse``, ``adopt`` or ``reload``.
    """
    if checkpoint.query_id is None and _is_waited_for(known, checkpoint):
        return _other_logs(checkpoint, known.binding.logs_path if known.binding else None, logs_path)
    if checkpoint.foreign:
        return (
            f"{checkpoint.path!r} is not empty and not a checkpoint of this job; use a new folder, or wait if another "
            "run is starting there"
        )
    if checkpoint.query_id is None:
        if known.filled and new_checkpoint == "refuse":
            return _new_on_filled(known, checkpoint)
        # The stream never started. A VPC Logs Path that version 0.1.0 wrote there still binds the checkpoint.
        return _other_logs(checkpoint, checkpoint.logs_path, logs_path)
    if known.binding is None:
        return _of_former_version(known, checkpoint, logs_path)
    if not _is_of(known.binding, checkpoint):
        return (
            f"{checkpoint.path!r} is the checkpoint of another table, or a former checkpoint of this one; use the "
            f"current checkpoint of the table, {known.binding.checkpoint!r}"
        )
    last = known.history.last_batch
    if last is not None and (checkpoint.planned is None or checkpoint.planned < last):
        planned = "no batch" if checkpoint.planned is None else f"batch {checkpoint.planned}"
        return (
            f"{checkpoint.path!r} is behind its table, as an older copy would be: it ends with {planned}, and the "
            f"table with batch {last}. The job would skip the files of its next batches as already loaded. Restore the "
            f"newest checkpoint, or {_NEW_AND_ADOPT}"
        )
    if known.history.lost and known.accepted_restore != known.history.restored_at:
        return _restored(known.history, checkpoint)
    return _other_logs(checkpoint, known.binding.logs_path, logs_path)


def _new_on_filled(known: TableState, checkpoint: Checkpoint) -> str:
    by = f"the checkpoint {known.binding.checkpoint!r}" if known.binding else "another checkpoint"
    return (
        f"{checkpoint.path!r} is new, and the table has rows that {by} loaded; the job would load all files again. "
        "Use that checkpoint, or --new-checkpoint adopt to skip the files that the table has, or --new-checkpoint "
        "reload to load them again"
    )


def _restored(history: StreamHistory, checkpoint: Checkpoint) -> str:
    lost = ", ".join(map(str, history.lost[:5])) + (" ..." if len(history.lost) > 5 else "")
    return (
        f"{checkpoint.path!r} is ahead of its table: a RESTORE (version {history.restored_at} of the table) removed "
        f"its batches {lost}, and the job would not load their files again. To load them, {_NEW_AND_ADOPT}. To "
        f"continue without them, set the table property '{ACCEPTED_RESTORE}' = '{history.restored_at}'"
    )


def bind(known: TableState, checkpoint: Checkpoint, logs_path: str, *, new_checkpoint: str, now: float) -> Binding:
    """Return the binding for a run, after `problem` has returned None.

    Args:
        known: The state of the table.
        checkpoint: The contents of the checkpoint folder.
        logs_path: The VPC Logs Path.
        new_checkpoint: ``refuse``, ``adopt`` or ``reload``, as for `problem`.
        now: The current time in seconds since 1970.
    """
    bound, path = known.binding, load_path(logs_path)
    if bound is not None and checkpoint.query_id is None and _is_waited_for(known, checkpoint):
        return bound
    if checkpoint.query_id is None:
        # New or emptied: its batch numbers start at 0 again, so they need a stream ID that is new to the table.
        adopted = int(now) if known.filled and new_checkpoint == "adopt" else None
        return Binding(stream_id=uuid4().hex, checkpoint=checkpoint.path, logs_path=path, adopted_at=adopted)
    if bound is None:
        # Version 0.1.0 used the query ID as the stream ID.
        query = checkpoint.query_id
        return Binding(stream_id=query, checkpoint=checkpoint.path, logs_path=path, query_id=query)
    return replace(bound, checkpoint=checkpoint.path, logs_path=path, query_id=checkpoint.query_id)


def bind_unread(known: TableState, checkpoint_path: str, logs_path: str) -> Binding:
    """Return the binding for a checkpoint that cannot be read. Only its path identifies it."""
    if known.binding is not None and same(known.binding.checkpoint, checkpoint_path):
        return known.binding
    return Binding(stream_id=uuid4().hex, checkpoint=checkpoint_path, logs_path=load_path(logs_path))


def _is_waited_for(known: TableState, checkpoint: Checkpoint) -> bool:
    """Return whether a run bound the table to this folder, but its stream did not reach the first batch.

    The disk may have been full, or another run may be starting there. In that case, both write with the same stream ID.
    """
    bound = known.binding
    return bound is not None and bound.query_id is None and same(bound.checkpoint, checkpoint.path)


def _is_of(binding: Binding, checkpoint: Checkpoint) -> bool:
    if binding.query_id is None:
        return same(binding.checkpoint, checkpoint.path)
    return binding.query_id == checkpoint.query_id


def _of_former_version(known: TableState, checkpoint: Checkpoint, logs_path: str | None) -> str | None:
    if checkpoint.logs_path is None:
        return f"{checkpoint.path!r} is not empty and not a checkpoint of this table; use a new folder"
    if not known.exists:
        return f"{checkpoint.path!r} is the checkpoint of another table; use a new folder for a new table"
    return _other_logs(checkpoint, checkpoint.logs_path, logs_path)


def _other_logs(checkpoint: Checkpoint, bound: str | None, logs_path: str | None) -> str | None:
    if bound is None or logs_path is None or same(bound, load_path(logs_path)):
        return None
    belongs = f"{checkpoint.path!r} is the checkpoint of the VPC Logs Path {bound!r}"
    return f"{belongs}; use that path, or a new folder as the Checkpoint Path"
