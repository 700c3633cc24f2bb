"""A workspace on this machine to try by hand: ``python -m local.workspace``.

Runs execute nothing: one-time runs succeed, and runs of continuous jobs last until they are canceled.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from local.workspace.contents import add_group
from local.workspace.request_log import LoggedRequest
from local.workspace.server import WorkspaceServer
from local.workspace.state import Token
from vpc_flow_logs.terminal import printable


def main(argv: Sequence[str] | None = None) -> int:
    """Answer requests until Ctrl-C.

    Args:
        argv: the arguments; by default those of the process.

    Returns:
        The exit status.
    """
    options = _options(sys.argv[1:] if argv is None else argv)
    try:
        server = WorkspaceServer(port=options.port)
    except OSError as error:
        print(f"cannot use port {options.port}: {error.strerror}. Choose another one with --port.", file=sys.stderr)
        return 1
    for name in options.group:
        add_group(server.state, name)
    if options.admin_token:
        principal = server.state.principal(server.credentials.client_id)
        server.state.tokens[options.admin_token] = Token(principal.id)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    server.on_answer = _say
    with server:
        _introduce(server, options.admin_token or server.credentials.token)
        ended.wait()
    print("stopped; the workspace is gone", flush=True)
    return 0


def _introduce(server: WorkspaceServer, token: str) -> None:
    """Print how to reach the workspace; its secrets are valid only while this process runs."""
    print(f"A Databricks workspace answers at {server.host} until Ctrl-C. In another terminal:\n")
    print(f"    export DATABRICKS_HOST={server.host}")
    print(f"    export DATABRICKS_TOKEN={token}\n")
    print("Or sign in as a service principal with OAuth instead of the token:\n")
    print(f"    export DATABRICKS_CLIENT_ID={server.credentials.client_id}")
    print(f"    export DATABRICKS_CLIENT_SECRET={server.credentials.client_secret}\n")
    print("Every request is listed here:\n", flush=True)


def _say(request: LoggedRequest) -> None:
    print(f"    {request.status or 'no answer'}  {printable(str(request))}", flush=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m local.workspace", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="port to listen on (default: a free one)")
    parser.add_argument(
        "--admin-token", default="", metavar="TOKEN", help="token of the administrator (default: a new one)"
    )
    parser.add_argument("--group", action="append", default=[], metavar="NAME", help="group to create; can be repeated")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid port: use a whole number from 0 to 65535")
    return number


if __name__ == "__main__":
    sys.exit(main())
