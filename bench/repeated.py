"""Grow a table faster: repeat the commit of a batch, each time with a new number and a copy of its data file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

_CHECKPOINT_EVERY = 10
"""Delta writes a checkpoint of the log with each version that is a multiple of this number."""


def repeat(folder: Path, *, about: int) -> int:
    """Repeat the newest batch of a table, and return the number of new commits.

    The sink's next batch then writes a checkpoint of the log, which the log needs from time to time.

    Args:
        folder: The folder of the table.
        about: The number of commits, which is rounded up to the next checkpoint.
    """
    log = folder / "_delta_log"
    versions = sorted(log.glob("*.json"))
    newest = int(versions[-1].stem)
    actions = next(found for path in reversed(versions) if (found := _batch(path)))
    times = about + (_CHECKPOINT_EVERY - 1 - newest - about) % _CHECKPOINT_EVERY
    for number in range(1, times + 1):
        lines = [json.dumps(_again(action, number, folder)) for action in actions]
        (log / f"{newest + number:020}.json").write_text("\n".join(lines) + "\n")
    return times


def _batch(path: Path) -> list[dict[str, Any]]:
    """Return the actions of a commit if it is a micro-batch."""
    actions = [json.loads(line) for line in path.read_text().splitlines()]
    return actions if any("txn" in action for action in actions) else []


def _again(action: dict[str, Any], number: int, folder: Path) -> dict[str, Any]:
    if "txn" in action:
        return {"txn": {**action["txn"], "version": action["txn"]["version"] + number}}
    if "add" in action:
        path = f"{number:03}-{action['add']['path']}"
        shutil.copyfile(folder / action["add"]["path"], folder / path)
        return {"add": {**action["add"], "path": path}}
    return action
