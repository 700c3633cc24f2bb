"""Start `python -m infra.workspace`, whose code is in `infra.by_hand`: it needs more of `infra` than the zip has."""

from __future__ import annotations

import sys

from infra.by_hand import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
