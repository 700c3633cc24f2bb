"""Check that the files can be read, and summarize them: ``python -m local.verify`` with the job's parameters.

It creates nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from infra.interruption import interruptible
from local.broken_pipe import ended_by_its_reader
from local.ingest import run
from vpc_flow_logs.main import run_verify

_INTERRUPTED = "Interrupted. Nothing was created; run the command again."


def main(argv: Sequence[str] | None = None) -> None:
    """Verify the VPC Logs Path.

    Args:
        argv: the job's parameters; by default, the command line's.

    Raises:
        SystemExit: with status 2 for invalid parameters, 1 if a check fails.
    """
    run(sys.argv[1:] if argv is None else argv, job=run_verify, interrupted=_INTERRUPTED)


if __name__ == "__main__":
    with ended_by_its_reader(), interruptible():
        main()
