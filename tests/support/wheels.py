"""Wheels for tests of job runs: one module, and entry points that call its functions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence


def wheel(module: str, *, name: str = "work", functions: Sequence[str] = ()) -> bytes:
    """Return a pure Python wheel that pip and Databricks accept, with a module of the same name."""
    info = f"{name}-1.0.dist-info"
    points = "\n".join(f"{function} = {name}:{function}" for function in functions)
    files = {
        f"{name}.py": module,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{points}\n",
        f"{info}/RECORD": "",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return content.getvalue()
