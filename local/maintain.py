"""Maintain the tables on this machine: ``python -m local.maintain`` rolls up, expires, compacts and vacuums them.

Example:
    .venv/bin/python -m local.maintain --table-name vpc_flow_logs --delta-output-path tables/vpc_flow_logs
        --keep-days 90 --dry-run
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from infra.interruption import interruptible
from local.broken_pipe import ended_by_its_reader
from local.ingest import LocalSession, exit_status
from local.parameters import absolute, catalog_problem
from vpc_flow_logs.main import run_maintain
from vpc_flow_logs.maintenance.arguments import problems_of, read
from vpc_flow_logs.maintenance.run import UNCHANGED
from vpc_flow_logs.parameters import ParameterError

_INTERRUPTED = "Interrupted. The tables are intact; run the command again."


def main(argv: Sequence[str] | None = None) -> None:
    """Maintain the tables.

    Args:
        argv: the arguments; by default, those of the command line.

    Raises:
        SystemExit: with status 2 for invalid arguments, 1 for a failed run, and 128 plus the signal number after a
            signal.
    """
    arguments = absolute(sys.argv[1:] if argv is None else argv)
    values, problems = read(arguments)
    bad = problems_of(values)
    if "table-name" not in bad and (here := catalog_problem(values.get("table-name", ""))):
        bad["table-name"] = here
        problems += [f"--{name}: {problem}" for name, problem in bad.items()]
        print(ParameterError(problems, state=UNCHANGED), file=sys.stderr)
        raise SystemExit(2)
    session = LocalSession({"table-name": values.get("table-name", "")}, interrupted=_INTERRUPTED, streams=False)
    with exit_status(session) as local:
        run_maintain(arguments, session=local)


if __name__ == "__main__":
    with ended_by_its_reader(), interruptible():
        main()
