"""Golden texts: committed files that tests compare with the output of the code."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def golden(path: Path, text: str, *, update: bool) -> None:
    """Compare a text with a committed file; with ``pytest --update``, write the file instead.

    Args:
        path: The committed file.
        text: The current output of the code.
        update: The fixture ``update``, which has the value of the option ``--update``.
    """
    committed = path.read_text(encoding="utf-8") if path.is_file() else None
    if text == committed:
        return
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")
        return
    difference = "\n".join(
        difflib.unified_diff(
            (committed or "").splitlines(), text.splitlines(), f"{name} (committed)", "output of the code", lineterm=""
        )
    )
    pytest.fail(
        f"{name} {'differs' if committed is not None else 'is missing'}. If the change is intended, run the same test "
        f"with --update, and review the file before you commit it.\n{difference}",
        pytrace=False,
    )
