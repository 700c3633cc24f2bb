"""``python -m local.aws.inside FD``: run MiniStack with the additions on a listening socket, until the parent ends.

:mod:`local.aws.process` starts it with its environment, and passes the secret as the first line of standard input.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO


def main() -> None:
    """Serve until killed."""
    pipe = os.fdopen(os.dup(0), "rb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    secret = pipe.readline().decode().strip()
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()
    # Lambda functions must not see this repository's modules, only the adapter for the machine code in their zips.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent / "functions")
    asyncio.run(_serve(int(sys.argv[1]), secret))


def _end_with_parent(pipe: BinaryIO) -> None:
    """Kill this process and its functions when the parent ends, which always closes the pipe."""
    pipe.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


async def _serve(listener: int, secret: str) -> None:
    # MiniStack reads the environment when it is imported.
    import ministack.app  # noqa: PLC0415
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    from local.aws.inside import flow_log_api, flow_log_resource, notifications, required_permissions  # noqa: PLC0415
    from local.aws.inside.private import Private  # noqa: PLC0415

    for addition in (flow_log_resource, flow_log_api, notifications, required_permissions):
        addition.add()
    config = Config()
    # MiniStack's own main() would also bind port 443, which is not needed here.
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    if os.environ.get("USE_SSL"):
        config.certfile = os.environ["MINISTACK_SSL_CERT"]
        config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    await serve(Private(ministack.app.app, secret=secret), config)


if __name__ == "__main__":
    main()
