"""Startup code of each Lambda function. It takes compiled packages from this Python instead of from the zip.

A function's zip has packages that are compiled for Lambda's Python and processor. This machine may have a different
Python or processor. The same versions of these packages are installed in the stage's venv.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_PACKAGES = ("cryptography", "_cffi_backend")


class _OfThisPython:
    """Finder of those packages in this Python's folder, in place of the function's zip."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [sysconfig.get_path("platlib")]) if name in _PACKAGES else None


sys.meta_path.insert(0, _OfThisPython)
