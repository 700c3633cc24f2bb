"""The contents of a checkpoint folder.

Spark writes ``metadata`` (the ID of the streaming query), ``offsets/N`` (batch N is planned) and ``commits/N`` (batch N
is done). Version 0.1.0 of this job added a file with the VPC Logs Path.
Source: https://spark.apache.org/docs/latest/streaming/apis-on-dataframes-and-datasets.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from vpc_flow_logs.folders import Folders

LOGS_PATH_FILE = "vpc_logs_path"
"""Name of the file that bound a checkpoint to its VPC Logs Path in version 0.1.0."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder.

    Attributes:
        path: The folder.
        query_id: ID of the streaming query that owns the folder; None if no query has used it yet.
        planned: Number of the last planned batch; None if there is none.
        logs_path: The VPC Logs Path that version 0.1.0 wrote there; None if there is none.
        foreign: Whether the folder has contents that neither a query nor this job wrote.
    """

    path: str
    query_id: str | None = None
    planned: int | None = None
    logs_path: str | None = None
    foreign: bool = False


def read(folders: Folders, path: str) -> Checkpoint:
    """Return the contents of a checkpoint folder. A folder that does not exist counts as empty.

    Args:
        folders: Access to the storage.
        path: The Checkpoint Path.

    Raises:
        NotAFolder: The path is a file.
        StorageError: The storage does not allow access to the folder, or reports an error.
    """
    names = [name for name in folders.names(path) or [] if not name.startswith(".")]
    query_id = _query_id(folders.head(f"{path}/metadata")) if "metadata" in names else None
    logs_path = folders.head(f"{path}/{LOGS_PATH_FILE}") if LOGS_PATH_FILE in names else None
    return Checkpoint(
        path=path,
        query_id=query_id,
        planned=_last_number(folders.names(f"{path}/offsets")) if "offsets" in names else None,
        logs_path=logs_path and logs_path.strip(),
        foreign=bool(names) and query_id is None and logs_path is None,
    )


def _query_id(metadata: str | None) -> str | None:
    try:
        values = json.loads(metadata or "null")
    except ValueError:
        return None
    query_id = values.get("id") if isinstance(values, dict) else None
    return query_id if isinstance(query_id, str) else None


def _last_number(names: list[str] | None) -> int | None:
    return max((int(name) for name in names or [] if name.isdigit()), default=None)
