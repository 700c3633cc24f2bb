"""The real app, its functions with the handler beside this file: everything else is packed and made as always."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import app
from infra import ingestion
from infra.function_code import WORKSPACE, pack


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        shutil.copytree(WORKSPACE, workspace, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(Path(__file__).parent / "handler.py", workspace)
        code = pack(Path(folder), workspace=workspace)
        ingestion.function_code = lambda: code
        return app.main()


if __name__ == "__main__":
    sys.exit(main())
