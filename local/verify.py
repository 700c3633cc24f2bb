"""Whether the files can be read, and what is in them: ``python -m local.verify`` with the parameters of the job.

Creates nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from local.broken_pipe import ended_by_its_reader
from local.ingest import run
from vpc_flow_logs.main import run_verify


def main(argv: Sequence[str] | None = None) -> None:
    """Look at the VPC Logs Path.

    Args:
        argv: the job's parameters; by default those of the command line.

    Raises:
        SystemExit: with status 2 for parameters that cannot be used, 1 when something is missing.
    """
    run(sys.argv[1:] if argv is None else argv, job=run_verify)


if __name__ == "__main__":
    with ended_by_its_reader():
        main()
