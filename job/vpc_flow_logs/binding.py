"""The bond between a table and its stream: which checkpoint fills the table, and from which VPC Logs Path.

It lives in properties of the table, which Spark SQL reaches everywhere. By the stream's ID in it (``txnAppId``) Delta
recognizes a batch that runs again. A checkpoint is recognized by the ID that Spark keeps in it, not by its path: it may
be moved or renamed, and a new folder at an old path is a new checkpoint.
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
"""Table property that accepts that a RESTORE took rows out for good; its value is the RESTORE's version."""

_NEW_AND_ADOPT = "take a new folder as Checkpoint Path, with --new-checkpoint adopt"


@dataclass(frozen=True)
class Binding:
    """The stream that fills a table.

    Attributes:
        stream_id: Made once for a checkpoint, and never used for another one: Delta would skip its first batches.
        checkpoint: The Checkpoint Path.
        logs_path: The VPC Logs Path.
        query_id: The ID that Spark keeps in the checkpoint; None until the stream has started once.
        adopted_at: When this stream took over a table that had rows, in seconds since 1970: files from before are
            looked for in the table before they are loaded. None for a stream that filled its table from the start.
    """

    stream_id: str
    checkpoint: str
    logs_path: str
    query_id: str | None = None
    adopted_at: int | None = None

    def properties(self) -> dict[str, str]:
        """Return it as properties of the table."""
        values = {
            "stream_id": self.stream_id,
            "checkpoint": self.checkpoint,
            "logs_path": self.logs_path,
            "query_id": self.query_id or "",
            "adopted_at": "" if self.adopted_at is None else str(self.adopted_at),
        }
        return {f"{_PREFIX}{name}": value for name, value in values.items()}


@dataclass(frozen=True)
class Known:
    """What is known before a run begins.

    Attributes:
        exists: The table exists.
        filled: It, or its quarantine table, has rows; only looked at for a new checkpoint.
        binding: The table's; None for a table of version 0.1.0, and where there is no table.
        history: What the table's history says of its stream; not looked at for a new checkpoint.
        accepted_restore: Version of a RESTORE whose loss somebody accepted.
    """

    exists: bool
    filled: bool = False
    binding: Binding | None = None
    history: StreamHistory = field(default_factory=StreamHistory)
    accepted_restore: int | None = None


def of_properties(properties: Mapping[str, str]) -> Binding | None:
    """Return the binding in a table's properties, None for a table without one."""
    values = {name: properties.get(f"{_PREFIX}{name}", "") for name in ("stream_id", "checkpoint", "logs_path")}
    if not values["stream_id"]:
        return None
    adopted = properties.get(f"{_PREFIX}adopted_at", "")
    return Binding(
        **values,
        query_id=properties.get(f"{_PREFIX}query_id") or None,
        adopted_at=int(adopted) if adopted.isdigit() else None,
    )


def problem(known: Known, checkpoint: Checkpoint, logs_path: str | None, *, new_checkpoint: str) -> str | None:
    """Return why the checkpoint cannot fill the table, or None.

    Args:
        known: What is known of the table.
        checkpoint: What the folder holds.
        logs_path: The VPC Logs Path; None when it is not known to be good.
        new_checkpoint: ``refuse``, ``adopt`` or ``reload``: what to do with a new checkpoint for a table with rows.
    """
    if checkpoint.query_id is None and _is_waited_for(known, checkpoint):
        return _other_logs(checkpoint, known.binding.logs_path if known.binding else None, logs_path)
    if checkpoint.foreign:
        return (
            f"{checkpoint.path!r} is not empty and not a checkpoint of this job; name a new folder, or wait if another "
            "run is starting there"
        )
    if checkpoint.query_id is None:
        if known.filled and new_checkpoint == "refuse":
            return _new_on_filled(known, checkpoint)
        # A stream that never started; what a run of version 0.1.0 wrote there binds all the same.
        return _other_logs(checkpoint, checkpoint.logs_path, logs_path)
    if known.binding is None:
        return _of_former_version(known, checkpoint, logs_path)
    if not _is_of(known.binding, checkpoint):
        return (
            f"{checkpoint.path!r} is the checkpoint of another table, or was this one's before; the table is filled by "
            f"the checkpoint {known.binding.checkpoint!r}: give that one"
        )
    last = known.history.last_batch
    if last is not None and (checkpoint.planned is None or checkpoint.planned < last):
        planned = "no batch" if checkpoint.planned is None else f"batch {checkpoint.planned}"
        return (
            f"{checkpoint.path!r} is behind its table, as an older copy is: it ends with {planned}, the table with "
            f"batch {last}. The files of its next batches would be taken for loaded and skipped. Put the "
            f"newest checkpoint back, or {_NEW_AND_ADOPT}"
        )
    if known.history.lost and known.accepted_restore != known.history.restored_at:
        return _restored(known.history, checkpoint)
    return _other_logs(checkpoint, known.binding.logs_path, logs_path)


def _new_on_filled(known: Known, checkpoint: Checkpoint) -> str:
    by = f"the checkpoint {known.binding.checkpoint!r}" if known.binding else "another checkpoint"
    return (
        f"{checkpoint.path!r} is new, and the table has rows that {by} loaded: all files would be loaded once more. "
        "Give that checkpoint, or --new-checkpoint adopt to skip the files that the table has, or --new-checkpoint "
        "reload to load them again"
    )


def _restored(history: StreamHistory, checkpoint: Checkpoint) -> str:
    lost = ", ".join(map(str, history.lost[:5])) + (" ..." if len(history.lost) > 5 else "")
    return (
        f"{checkpoint.path!r} is ahead of its table: a RESTORE (version {history.restored_at} of the table) removed "
        f"its batches {lost}, whose files it would not load again. To load them, {_NEW_AND_ADOPT}. To go on without "
        f"them, set the table property '{ACCEPTED_RESTORE}' = '{history.restored_at}'"
    )


def bind(known: Known, checkpoint: Checkpoint, logs_path: str, *, new_checkpoint: str, now: float) -> Binding:
    """Return the binding for a run; `problem` has found nothing wrong. ``now`` is in seconds since 1970."""
    found, path = known.binding, load_path(logs_path)
    if found is not None and checkpoint.query_id is None and _is_waited_for(known, checkpoint):
        return found
    if checkpoint.query_id is None:
        # New, or emptied: its batches begin with 0 again, so they need an ID that the table has not seen.
        adopted = int(now) if known.filled and new_checkpoint == "adopt" else None
        return Binding(stream_id=uuid4().hex, checkpoint=checkpoint.path, logs_path=path, adopted_at=adopted)
    if found is None:
        # Version 0.1.0 wrote with the query's ID.
        query = checkpoint.query_id
        return Binding(stream_id=query, checkpoint=checkpoint.path, logs_path=path, query_id=query)
    return replace(found, checkpoint=checkpoint.path, logs_path=path, query_id=checkpoint.query_id)


def bind_unread(known: Known, checkpoint_path: str, logs_path: str) -> Binding:
    """Return the binding for a checkpoint that cannot be read: what its path says is all there is to go by."""
    if known.binding is not None and same(known.binding.checkpoint, checkpoint_path):
        return known.binding
    return Binding(stream_id=uuid4().hex, checkpoint=checkpoint_path, logs_path=load_path(logs_path))


def _is_waited_for(known: Known, checkpoint: Checkpoint) -> bool:
    """Return whether the table was bound to this folder by a run whose stream never got as far as its first batch.

    The disk may have been full; or another run is starting there just now, and then both write with one ID.
    """
    bound = known.binding
    return bound is not None and bound.query_id is None and same(bound.checkpoint, checkpoint.path)


def _is_of(binding: Binding, checkpoint: Checkpoint) -> bool:
    if binding.query_id is None:
        return same(binding.checkpoint, checkpoint.path)
    return binding.query_id == checkpoint.query_id


def _of_former_version(known: Known, checkpoint: Checkpoint, logs_path: str | None) -> str | None:
    if checkpoint.logs_path is None:
        return f"{checkpoint.path!r} is not empty and not a checkpoint of this table; name a new folder"
    if not known.exists:
        return f"{checkpoint.path!r} is the checkpoint of another table; name a new folder for a new table"
    return _other_logs(checkpoint, checkpoint.logs_path, logs_path)


def _other_logs(checkpoint: Checkpoint, bound: str | None, logs_path: str | None) -> str | None:
    if bound is None or logs_path is None or same(bound, load_path(logs_path)):
        return None
    belongs = f"{checkpoint.path!r} is the checkpoint of the VPC Logs Path {bound!r}"
    return f"{belongs}: give that one, or a new folder as Checkpoint Path"
