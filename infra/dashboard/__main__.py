"""Write the AI/BI dashboard of an environment to `dashboards/`, to import it by hand.

    .venv/bin/python -m infra.dashboard --env staging

In the workspace, import the file with **Dashboards**, **Create dashboard**, **Import dashboard from file**. With
`workspace.warehouse_id` in the environment file, a deployment creates and publishes the dashboard instead. Exit status:
0 success, 2 invalid input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.config import EnvironmentFileError, load
from infra.dashboard.document import document
from infra.interruption import interruptible

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
"""Folder of the files. Git ignores it."""


def main(arguments: Sequence[str], *, folder: Path = FOLDER) -> int:
    """Run the command; return the exit status."""
    options = _options(arguments)
    try:
        environment = load(options.env)
    except EnvironmentFileError as error:
        print(error, file=sys.stderr)
        return 2
    path = folder / f"{environment.name}.lvdash.json"
    folder.mkdir(exist_ok=True)
    path.write_text(document(environment.job.table), encoding="utf-8")
    print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    print(
        f"The dashboard reads the views and tables next to {environment.job.table}. To use it, import the file in the "
        "workspace: Dashboards, Create dashboard, Import dashboard from file",
        file=sys.stderr,
    )
    if not environment.maintenance.enabled:
        print(
            f"warning: maintenance.enabled is false, so there is no {environment.job.table}_hourly: totals and trends "
            "will show an error",
            file=sys.stderr,
        )
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.dashboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--env", required=True, help="name in environments/, or the path of a file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main(sys.argv[1:]))
