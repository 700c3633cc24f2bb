"""Python runs this first in each function: machine code comes from this Python's own packages.

A function's zip has machine code for the Python and the machine of Lambda. What is here may be another of either; of
the packages that cannot do without, the same versions are installed beside the stage.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_PACKAGES = ("cryptography", "_cffi_backend")


class _OfThisPython:
    """Finds those packages in this Python's folder, whatever the function's zip has."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [sysconfig.get_path("platlib")]) if name in _PACKAGES else None


sys.meta_path.insert(0, _OfThisPython)
