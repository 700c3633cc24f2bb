"""The job's parameters on this machine: relative paths, Databricks-only values, and folders that must exist."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.cloud_files import CloudFilesError
from local.cloud_files.folder import FolderListing
from local.cloud_files.pattern import Pattern
from local.cloud_files.selection import Selection
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.parameters import read
from vpc_flow_logs.progress import no_files_line

PATHS = ("--vpc-logs-path", "--delta-output-path", "--checkpoint-path")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def absolute(arguments: Sequence[str]) -> list[str]:
    """Return the parameters with local paths made absolute; ``s3://`` and other URIs stay unchanged.

    Example:
        >>> absolute(["--checkpoint-path", "out"]) == ["--checkpoint-path", f"{Path.cwd()}/out"]
        True
        >>> absolute(["--delta-output-path=/x"])
        ['--delta-output-path=/x']
    """
    result: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and name in PATHS:
            result.append(f"{name}={_absolute(value)}")
        elif result and result[-1] in PATHS and not argument.startswith("--"):
            result.append(_absolute(argument))
        else:
            result.append(argument)
    return result


def without_answers(arguments: Sequence[str]) -> list[str]:
    """Return the parameters, with ``--answers=off`` added if they have none.

    The catalog of local Spark is in memory: the views and functions would end with the run.
    """
    return list(arguments) if "answers" in read(arguments)[0] else [*arguments, "--answers=off"]


def listing(arguments: Sequence[str]) -> list[str]:
    """Return the parameters, with ``--notifications=off`` added if they name a bucket but no notification setting.

    The job's default would create a topic, a queue and a notification in the account that the shell is signed in to.
    """
    values = read(arguments)[0]
    chosen = "notifications" in values or "queue-url" in values
    if chosen or not values.get("vpc-logs-path", "").startswith("s3:"):
        return list(arguments)
    return [*arguments, "--notifications=off"]


def local_folder(path: str) -> Path | None:
    """Return the folder for an absolute path or a ``file:`` URI; None for a path that is not on this machine."""
    if path.startswith("file:"):
        path = "/" + path.removeprefix("file:").lstrip("/")
    return Path(path) if path.startswith("/") else None


def problems_here(values: Mapping[str, str]) -> list[str]:
    """Return the problems with parameters that are valid on Databricks but not on this machine."""
    problems = []
    if problem := _logs_problem(values.get("vpc-logs-path", "")):
        problems.append(f"--vpc-logs-path: {problem}")
    if problem := catalog_problem(values.get("table-name", "")):
        problems.append(f"--table-name: {problem}")
    checkpoint = values.get("checkpoint-path", "/")
    if local_folder(checkpoint) is None:
        problems.append(
            f"--checkpoint-path: {checkpoint!r} is not on this machine; use a local folder, such as out/checkpoint"
        )
    return problems


def catalog_problem(table_name: str) -> str | None:
    """Return the problem with the catalog in a table name, or None. Local Spark has only one catalog."""
    catalog, _, rest = table_name.partition(".")
    if table_name.count(".") == 2 and catalog != "spark_catalog":
        return f"local Spark has no catalog {catalog!r}; use {rest}"
    return None


def _logs_problem(path: str) -> str | None:
    """Return the problem with a local VPC Logs Path, or None.

    Folders that match a wildcard may appear later. The part of the path before the first wildcard must exist, because
    the checkpoint would keep a typo permanently.
    """
    try:
        pattern = _pattern(path)
    except CloudFilesError as error:
        return str(error)
    if pattern is None:
        return None
    root = Path(pattern.root)
    if root.is_dir() or (root.exists() and not pattern.is_glob):
        return None
    return f"folder {root} does not exist; name an existing folder"


def nothing_there(path: str) -> str | None:
    """Return a line that names the pattern if it matches no file; None if it matches one, or for a bucket."""
    try:
        pattern = _pattern(path)
        if pattern is None or not FolderListing(Selection(pattern)).is_empty:
            return None
    except CloudFilesError as error:
        return f"note: {error}"
    return no_files_line(path)


def _pattern(path: str) -> Pattern | None:
    folder = local_folder(path)
    return None if folder is None else Pattern.of_folder(load_path(str(folder)))


def _absolute(path: str) -> str:
    if not path or _SCHEME.match(path):
        return path
    # Not Path.resolve(): it follows links, and a checkpoint belongs to the path as given.
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111
