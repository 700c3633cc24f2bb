"""The job's parameters and their rules. Environment files reuse the rules for paths, table names and headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vpc_flow_logs.arguments import arguments_of
from vpc_flow_logs.fields import canonical
from vpc_flow_logs.headers import headers_notes, headers_problem
from vpc_flow_logs.logs_path import REGION, logs_path_problem
from vpc_flow_logs.paths import (
    hourly_path,
    overlap,
    quarantine_path,
    storage_path_problem,
    table_path_problem,
    without_trailing_slash,
)
from vpc_flow_logs.progress import counted
from vpc_flow_logs.terminal import printable_lines

NOTIFICATIONS = ("auto-loader", "queue", "off")
TRIGGERS = ("available-now", "continuous")
NEW_CHECKPOINTS = ("refuse", "adopt", "reload")
ANSWERS = ("create", "off")

REQUIRED = ("vpc-logs-path", "checkpoint-path", "table-name", "region-name", "headers")
OPTIONAL = (
    "delta-output-path",
    "notifications",
    "queue-url",
    "trigger",
    "interval-seconds",
    "max-files-per-batch",
    "new-checkpoint",
    "answers",
    "names-table",
)

INTERVAL_SECONDS = 60
"""Default interval at which a continuous run looks for files.

AWS delivers a flow log's files every 5 to 10 minutes, and each commit adds a log entry and data files.
"""

MOST = 999_999_999
"""Maximum of a whole number, if a parameter has no lower one."""

_REGION = re.compile(REGION)
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,254}")
_SCHEMA = re.compile(r"[a-z0-9_][a-z0-9_-]{0,254}")
_QUEUE = re.compile(r"https://[^/\s]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Parameters:
    """The checked parameters of a run.

    Attributes:
        vpc_logs_path: Bucket path, folder or glob of the delivered files, without a trailing slash.
        delta_output_path: Folder of the records table, without a trailing slash; empty for a managed table.
        checkpoint_path: Folder for the state of the stream, without a trailing slash.
        table_name: Name of the records table, as ``[catalog.][schema.]name``.
        region_name: AWS region of the bucket.
        headers: Canonical field names, in the field order of files without a header line.
        notifications: How the stream finds new files; one of `NOTIFICATIONS`.
        queue_url: URL of the SQS queue; set only if ``notifications`` is ``queue``.
        trigger: One of `TRIGGERS`.
        interval_seconds: How often a continuous run looks for new files.
        max_files_per_batch: Maximum number of files in one micro-batch; None for Auto Loader's default.
        new_checkpoint: How to use a new checkpoint with a table that has rows; one of `NEW_CHECKPOINTS`.
        answers: Whether to create the views and table functions of the answers; one of `ANSWERS`.
        names_table: Name of the table with names of addresses, which the answers show; empty for none.
    """

    vpc_logs_path: str
    delta_output_path: str
    checkpoint_path: str
    table_name: str
    region_name: str
    headers: tuple[str, ...]
    notifications: str = "auto-loader"
    queue_url: str | None = None
    trigger: str = "available-now"
    interval_seconds: int = INTERVAL_SECONDS
    max_files_per_batch: int | None = None
    new_checkpoint: str = "refuse"
    answers: str = "create"
    names_table: str = ""


class ParameterError(Exception):
    """The parameters are invalid or rejected; ``problems`` has one text per problem.

    The text of the exception is the whole message, because a job run shows the text of the exception that ended it. It
    is not a ``SystemExit``, which Databricks reports as a bare status, and as a failure even if the status is 0.
    """

    def __init__(self, problems: Sequence[str], *, state: str = "nothing was created") -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)
        self._state = state

    def __str__(self) -> str:
        count = counted(len(self.problems), "parameter problem")
        problems = (f"  - {printable_lines(problem)}" for problem in self.problems)
        return "\n".join([f"{count}; {self._state}:", *problems])


def read(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the argument values by name, and the problems with the syntax of the arguments."""
    return arguments_of(arguments, required=REQUIRED, optional=OPTIONAL)


def problems_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the problem with each invalid value, by parameter name. A parameter that is absent has no problem."""
    checks: dict[str, Callable[[str], str | None]] = {
        "vpc-logs-path": logs_path_problem,
        "delta-output-path": lambda value: table_path_problem(value) if value else None,
        "checkpoint-path": storage_path_problem,
        "table-name": table_name_problem,
        "region-name": region_problem,
        "headers": lambda value: headers_problem(value.split(",")),
        "notifications": lambda value: one_of(value, NOTIFICATIONS),
        "trigger": lambda value: one_of(value, TRIGGERS),
        "new-checkpoint": lambda value: one_of(value, NEW_CHECKPOINTS),
        "answers": lambda value: one_of(value, ANSWERS),
        "names-table": lambda value: names_table_problem(value, values.get("table-name", "")),
        "queue-url": lambda value: (
            None if _QUEUE.fullmatch(value) else f"{value!r} is not a valid SQS queue URL (https://…)"
        ),
        "interval-seconds": count_problem,
        "max-files-per-batch": count_problem,
    }
    results = {name: checks[name](value) for name, value in values.items()}
    problems = {name: problem for name, problem in results.items() if problem is not None}
    mode = values.get("notifications", "auto-loader")
    if mode == "queue" and "queue-url" not in values:
        problems.setdefault("queue-url", "required with --notifications queue")
    if mode in ("auto-loader", "off") and "queue-url" in values:
        problems.setdefault("queue-url", "valid only with --notifications queue")
    if values.get("answers") == "off" and "names-table" in values:
        problems.setdefault("names-table", "valid only with --answers create")
    for name, problem in _overlaps({n: v for n, v in values.items() if n not in problems}).items():
        problems.setdefault(name, problem)
    return problems


def notes_of(values: Mapping[str, str]) -> list[str]:
    """Return notes about values that are valid but probably not intended."""
    return [f"--headers: {note}" for note in headers_notes(values.get("headers", "").split(","))]


def parameters_of(values: Mapping[str, str]) -> Parameters:
    """Return the parameters for values that have no problems."""
    count = values.get("max-files-per-batch")
    return Parameters(
        vpc_logs_path=without_trailing_slash(values["vpc-logs-path"]),
        delta_output_path=without_trailing_slash(values.get("delta-output-path", "")),
        checkpoint_path=without_trailing_slash(values["checkpoint-path"]),
        table_name=values["table-name"],
        region_name=values["region-name"],
        headers=tuple(canonical(name.strip()) for name in values["headers"].split(",")),
        notifications=values.get("notifications", "auto-loader"),
        queue_url=values.get("queue-url"),
        trigger=values.get("trigger", "available-now"),
        new_checkpoint=values.get("new-checkpoint", "refuse"),
        answers=values.get("answers", "create"),
        names_table=values.get("names-table", ""),
        interval_seconds=int(values.get("interval-seconds", INTERVAL_SECONDS)),
        max_files_per_batch=int(count) if count else None,
    )


def table_name_problem(name: str) -> str | None:
    """Return the reason that a string is not a valid ``[catalog.][schema.]name``, or None."""
    # Unity Catalog stores names in lowercase, so a later look-up with another spelling would not find the table.
    *outer, table = name.split(".")
    if len(outer) <= 2 and _TABLE.fullmatch(table) and all(map(_SCHEMA.fullmatch, outer)):
        return None
    return (
        f"{name!r} is not a valid [catalog.][schema.]name; use lowercase letters, digits and underscores (also hyphens "
        "in the catalog and schema); the last part must not start with a digit"
    )


def names_table_problem(name: str, table: str) -> str | None:
    """Return the reason that a string is not a valid name for the names table, or None.

    Args:
        name: The string.
        table: Name of the records table.
    """
    if name == f"{table}_names":
        return f"{name!r} is the view that the job creates from the names table; use another name for the table"
    return table_name_problem(name)


def region_problem(region: str) -> str | None:
    """Return the reason that a string is not a valid AWS region, or None."""
    return None if _REGION.fullmatch(region) else f"{region!r} is not a valid AWS region such as us-east-1"


def one_of(value: str, allowed: Sequence[str]) -> str | None:
    """Return the reason that a string is not one of the allowed values, or None."""
    return None if value in allowed else f"{value!r} is not one of {', '.join(allowed)}"


def count_problem(value: str, most: int = MOST) -> str | None:
    """Return the reason that a string is not a whole number from 1 to ``most``, or None."""
    # Check the form first: int() rejects text with thousands of digits.
    is_valid = re.fullmatch("[0-9]{1,20}", value) is not None and 1 <= int(value) <= most
    return None if is_valid else f"{value!r} is not a whole number from 1 to {most}"


def _overlaps(values: Mapping[str, str]) -> dict[str, str]:
    """Return the problems with paths that are equal or contain each other, by parameter name."""
    problems: dict[str, str] = {}
    logs, delta, checkpoint = (
        values.get(name, "") for name in ("vpc-logs-path", "delta-output-path", "checkpoint-path")
    )
    quarantine, hourly = (path_of(without_trailing_slash(delta)) for path_of in (quarantine_path, hourly_path))
    pairs = [
        ("delta-output-path", delta, "the VPC Logs Path", logs),
        ("delta-output-path", quarantine, "the VPC Logs Path", logs),
        ("delta-output-path", hourly, "the VPC Logs Path", logs),
        ("checkpoint-path", checkpoint, "the VPC Logs Path", logs),
        ("checkpoint-path", checkpoint, "the Delta Output Path", delta),
        ("checkpoint-path", checkpoint, "the path of the quarantine table", quarantine),
        ("checkpoint-path", checkpoint, "the path of the hourly roll-up", hourly),
    ]
    for name, path, other_name, other in pairs:
        if path and other and overlap(path, other):
            problems.setdefault(name, f"{path!r} overlaps {other_name} {other!r}; use separate folders")
    return problems
