"""Table properties that the job sets once, and the statements that add them to a table of an earlier version.

A new table gets them when it is created, an older table at the next start. After that, a property that a user changes
or removes stays as the user left it. Deletion vectors are not listed, because the workspace decides about them.
Source: https://docs.databricks.com/aws/en/delta/table-properties
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vpc_flow_logs.sql import listed_properties, literal, quoted

APPLIED = "vpc_flow_logs.properties"
"""Table property with the version of `PROPERTIES` that was applied to the table; missing on tables of version 0.1.0."""

STATISTICS = "delta.dataSkippingStatsColumns"
"""Table property that lists the columns with minimum and maximum values per file."""

_LOG_RETENTION = "delta.logRetentionDuration"
_FILE_RETENTION = "delta.deletedFileRetentionDuration"


@dataclass(frozen=True)
class Property:
    """A table property that is the same for both tables.

    Attributes:
        key: Name of the property.
        value: The value that the job sets.
        reason: The reason for the value.
        since: The version of the list that added the property.
        unless: Properties that replace it: if an older table has one of them, a user has already decided.
    """

    key: str
    value: str
    reason: str
    since: int = 1
    unless: tuple[str, ...] = ()


PROPERTIES = (
    Property(
        "delta.autoOptimize.optimizeWrite",
        "true",
        "A commit adds a few large files instead of one small file per task.",
    ),
    Property(
        "delta.autoOptimize.autoCompact",
        "true",
        "Small files of earlier commits are merged after a commit. Each micro-batch adds a file.",
    ),
    Property(
        _LOG_RETENTION,
        "interval 30 days",
        "The history has the batches of the last 30 days, which a run compares with its checkpoint.",
        unless=(_FILE_RETENTION,),
    ),
    Property(
        _FILE_RETENTION,
        "interval 7 days",
        "Rows that were deleted or rewritten can be read for 7 more days, and `VACUUM` keeps their files that long.",
        unless=(_LOG_RETENTION,),
    ),
)
"""The properties. The two durations are Delta's defaults, spelled out.

If a user has set one of the durations, the job sets neither, because Delta rejects a log that is shorter than the
retention of files.
"""

_VERSION = max(entry.since for entry in PROPERTIES)


def of_new_table(*, clustered: Sequence[str]) -> dict[str, str]:
    """Return the properties of a new table.

    Args:
        clustered: The columns that the table is clustered by. They and ``ingested_at`` get statistics.
    """
    statistics = ",".join([*clustered, "ingested_at"])
    return {STATISTICS: statistics, **{entry.key: entry.value for entry in PROPERTIES}, APPLIED: str(_VERSION)}


def is_current(present: Mapping[str, str]) -> bool:
    """Return whether all properties were applied to a table, according to its properties."""
    return _applied(present) >= _VERSION


def missing(present: Mapping[str, str]) -> dict[str, str]:
    """Return the properties to set on a table that has the ``present`` ones, without `APPLIED`."""
    applied = _applied(present)
    return {
        entry.key: entry.value
        for entry in PROPERTIES
        if entry.since > applied and not {entry.key, *entry.unless} & present.keys()
    }


def missing_comments(present: Mapping[str, str | None], meanings: Mapping[str, str]) -> dict[str, str]:
    """Return the comments to add.

    Args:
        present: The comment of each column of the table; None for a column without one.
        meanings: The comment of each column that the job knows.
    """
    return {name: meanings[name] for name, comment in present.items() if not comment and name in meanings}


def statements(table_name: str, *, properties: Mapping[str, str], comments: Mapping[str, str]) -> list[str]:
    """Return the statements that add properties and comments to a table, and record that this was done.

    The record is in the last statement, so that an interrupted start does all of them again. One statement for all
    comments is one commit; it needs Spark 4.0.
    """
    table = quoted(table_name)
    added = ", ".join(f"`{name}` COMMENT {literal(text)}" for name, text in comments.items())
    recorded = listed_properties({**properties, APPLIED: str(_VERSION)})
    return [
        *([f"ALTER TABLE {table} ALTER COLUMN {added}"] if added else []),
        f"ALTER TABLE {table} SET TBLPROPERTIES ({recorded})",
    ]


def _applied(present: Mapping[str, str]) -> int:
    """Return the version that was applied to a table. A value that is not a number stops any change."""
    text = present.get(APPLIED, "0")
    return int(text) if text.isdigit() else _VERSION
