"""Run `python -m infra.workspace`. The code is in `infra.by_hand` because it needs modules that the zip leaves out."""

from __future__ import annotations

import sys

from infra.by_hand import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
