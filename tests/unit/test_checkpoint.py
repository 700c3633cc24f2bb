"""Contents of a checkpoint folder: a query's state, the binding of version 0.1.0, other files, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpc_flow_logs.checkpoint import LOGS_PATH_FILE, Checkpoint, read
from vpc_flow_logs.folders import LocalFolders

pytestmark = pytest.mark.lts

LOGS = "s3://flow-logs/AWSLogs"


def test_a_folder_that_is_missing_or_has_only_hidden_files_is_a_new_checkpoint(tmp_path: Path) -> None:
    """Hadoop leaves checksum files, and macOS its own files."""
    assert read(LocalFolders(), str(tmp_path / "missing")) == Checkpoint(str(tmp_path / "missing"))
    (tmp_path / ".metadata.crc").write_text("x")
    assert read(LocalFolders(), str(tmp_path)) == Checkpoint(str(tmp_path))


def test_a_folder_of_version_0_1_0_whose_stream_never_started_is_not_foreign(tmp_path: Path) -> None:
    (tmp_path / LOGS_PATH_FILE).write_text(f"{LOGS}\n")
    assert read(LocalFolders(), str(tmp_path)) == Checkpoint(str(tmp_path), logs_path=LOGS)


def test_a_folder_with_other_files_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert read(LocalFolders(), str(tmp_path)) == Checkpoint(str(tmp_path), foreign=True)


def test_the_last_planned_batch_has_the_highest_number(tmp_path: Path) -> None:
    (tmp_path / "offsets").mkdir()
    (tmp_path / "metadata").write_text('{"id": "query"}')
    for name in ("8", "9", "10", ".10.crc"):
        (tmp_path / "offsets" / name).write_text("v1")
    assert read(LocalFolders(), str(tmp_path)) == Checkpoint(str(tmp_path), query_id="query", planned=10)
