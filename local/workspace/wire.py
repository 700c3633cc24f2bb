"""HTTP/1.1 server: reads requests, writes responses, and cuts connections on purpose."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.workspace.context import WORKSPACE_ID
from local.workspace.dispatch import RawRequest
from local.workspace.exchange import Response
from local.workspace.faults import Fault

# Returns the response (None: send nothing) and the fault that was planned for the request.
Answer = Callable[[RawRequest], "tuple[Response | None, Fault | None]"]


class HttpServer(ThreadingHTTPServer):
    """One daemon thread per connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, *, answer: Answer, stopped: threading.Event) -> None:
        """Bind a port of 127.0.0.1; 0 selects a free one.

        Raises:
            OSError: if the port is in use.
        """
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.stopped = stopped
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close the connections that callers keep open, so that a stopped server answers no more requests."""
        with self._guard:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Handler of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "databricks"
    # Buffer the response so that its head and body are sent together.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: HttpServer

    def _handle(self) -> None:
        content = self._content()
        parts = urlsplit(self.path)
        raw = RawRequest(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            self.headers,
            content,
        )
        try:
            response, fault = self.server.answer(raw)
        except Exception:
            # A bug in the stand-in. Send a response, because the SDK retries a request whose connection is cut.
            self.close_connection = True
            self._send(Response({"error_code": "INTERNAL_ERROR", "message": "the stand-in failed"}, status=500))
            raise
        if response is None:
            if fault is Fault.TIMEOUT_AFTER:
                self._wait_for_the_caller()
            self._cut()
            return
        self._send(response)

    def _content(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _send(self, response: Response) -> None:
        content = response.content
        if content is None:
            content = b"" if response.document is None else json.dumps(response.document).encode()
        self.send_response(response.status)
        self.send_header("X-Databricks-Org-Id", WORKSPACE_ID)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # the caller may have closed the connection first
            self.connection.shutdown(socket.SHUT_RDWR)

    def _wait_for_the_caller(self) -> None:
        """Wait until the caller closes the connection or the server stops."""
        while not self.server.stopped.is_set():
            if select.select([self.connection], [], [], 0.1)[0]:
                return

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing; the request log has every request."""
