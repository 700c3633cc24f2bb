"""``python -m local.aws.inside FD``: MiniStack on a listening socket, with the additions; the parent's death ends it.

:mod:`local.aws.process` starts it, gives it its environment, and the secret as the first line of standard input.
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
    # The functions that run here shall not see this repository's modules, but what makes their zips fit.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent / "functions")
    asyncio.run(_serve(int(sys.argv[1]), secret))


def _end_with_parent(pipe: BinaryIO) -> None:
    """Kill this process and its functions once the parent has gone, which closes the pipe whatever it died of."""
    pipe.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


async def _serve(listener: int, secret: str) -> None:
    # MiniStack reads the environment when it is imported.
    import ministack.app  # noqa: PLC0415
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    from local.aws.inside import asked_rights, flow_log_api, flow_log_resource, notifications  # noqa: PLC0415
    from local.aws.inside.private import Private  # noqa: PLC0415

    for addition in (flow_log_resource, flow_log_api, notifications, asked_rights):
        addition.add()
    config = Config()
    # Its own main() would bind port 443 as well; nothing here asks for it.
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    if os.environ.get("USE_SSL"):
        config.certfile = os.environ["MINISTACK_SSL_CERT"]
        config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    await serve(Private(ministack.app.app, secret=secret), config)


if __name__ == "__main__":
    main()
