"""Check, from the commits in the history of a table, whether VACUUM can find files to delete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from vpc_flow_logs.history import Commit

_SLACK = timedelta(days=1)
"""Clocks differ, so VACUUM may run this much earlier than necessary."""

_REMOVE_NOTHING = frozenset(
    {
        "VACUUM START",
        "VACUUM END",
        "SET TBLPROPERTIES",
        "UNSET TBLPROPERTIES",
        "ADD COLUMNS",
        "CHANGE COLUMN",
        "UPDATE SCHEMA",
    }
)


def can_be_unused(commits: Sequence[Commit], *, retention: timedelta, now: datetime) -> bool:
    """Return whether a table can have unused files that are older than its retention.

    It cannot if no commit since the last VACUUM, or since the creation of the table, removed a file long enough ago.

    Args:
        commits: The newest commits, from newest to oldest.
        retention: The time for which removed files stay.
        now: The current time, with a time zone.
    """
    since = _clean_until(commits)
    if since is None:
        return True  # the commits reach neither back to a VACUUM nor to the creation
    until = now - retention + _SLACK
    return any(since <= _time(commit) <= until and _removes(commit) for commit in commits)


def _clean_until(commits: Sequence[Commit]) -> datetime | None:
    """Return a time before which no removed file remains on disk; None if the commits do not show such a time."""
    is_complete = False
    for commit in commits:
        if commit.operation == "VACUUM END":
            is_complete = commit.parameters.get("status") == "COMPLETED"
        elif commit.operation == "VACUUM START" and is_complete:
            retention = commit.parameters.get("specifiedRetentionMillis") or commit.parameters["defaultRetentionMillis"]
            since = _time(commit) - timedelta(milliseconds=int(retention or 0))
            is_known = commits[-1].version == 0 or _time(commits[-1]) < since
            return since if is_known else None
        elif commit.version == 0:
            return _time(commit)
    return None


def _removes(commit: Commit) -> bool:
    is_append = commit.operation == "WRITE" and commit.parameters.get("mode") == "Append"
    is_creation = commit.operation.startswith("CREATE TABLE")
    return not is_append and not is_creation and commit.operation not in _REMOVE_NOTHING


def _time(commit: Commit) -> datetime:
    return commit.timestamp.astimezone(timezone.utc)  # Spark returns local times without a time zone
