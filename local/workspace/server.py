"""The workspace over HTTP, on 127.0.0.1."""

from __future__ import annotations

import copy
import dataclasses
import json
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.workspace import run_progress
from local.workspace.contents import new_state
from local.workspace.context import WORKSPACE_ID, Behaviour, Workspace
from local.workspace.dispatch import RawRequest, refusal, respond
from local.workspace.exchange import Response
from local.workspace.faults import REACHING, Fault, Faults
from local.workspace.request_log import LoggedRequest, RequestLog, shown_body
from local.workspace.runner import RecordingRunner, Runner
from local.workspace.state import State

# How often runs are looked at while nobody asks, in seconds.
_GLANCE = 0.1


class WorkspaceServer:
    """A Databricks workspace on this machine, with one administrator.

    Attributes:
        state: what the workspace holds; hold ``lock`` while changing it.
        behaviour: how it behaves.
        faults: what goes wrong on purpose.
        log: what was asked of it.
        credentials: those of the service principal that administers it.
        lock: held while a request is answered or a run is looked at.

    Example:
        >>> with WorkspaceServer() as server:
        ...     client = WorkspaceClient(host=server.host, token=server.credentials.token)
    """

    def __init__(self, *, runner: Runner | None = None, port: int = 0, behaviour: Behaviour | None = None) -> None:
        """Take a port; requests are answered from ``start`` on.

        Args:
            runner: what runs tasks; by default one that only records them.
            port: the port; 0 = any free one.
            behaviour: how the workspace behaves.

        Raises:
            OSError: when the port is taken.
        """
        self._http = _HttpServer(("127.0.0.1", port), _Handler)
        self._http.workspace_server = self
        state, self.credentials = new_state()
        self.workspace = Workspace(
            f"http://127.0.0.1:{self._http.server_port}",
            state,
            runner=runner or RecordingRunner(),
            behaviour=behaviour or Behaviour(),
        )
        self.faults = Faults()
        self.log = RequestLog()
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def host(self) -> str:
        """The address, as ``WorkspaceClient(host=...)`` takes it."""
        return self.workspace.host

    @property
    def state(self) -> State:
        """What the workspace holds."""
        return self.workspace.state

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves."""
        return self.workspace.behaviour

    @property
    def requests(self) -> list[LoggedRequest]:
        """All requests since the start, or since the log was cleared."""
        return self.log.requests

    def clear_log(self) -> None:
        """Forget the requests and the faults; the next request is number 1."""
        with self.lock:
            self.log.requests.clear()
            self.faults.clear()

    def fire_schedule(self, job_id: int) -> int | None:
        """Start the run that a scheduled job's clock would start now; None when its schedule is paused."""
        with self.lock:
            return run_progress.fire_schedule(self.workspace, job_id)

    def start(self) -> WorkspaceServer:
        """Answer requests from now on."""
        for target in (self._serve, self._watch_runs):
            thread = threading.Thread(target=target, name=f"workspace {target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Cancel what runs, and answer no more."""
        self.stopped.set()
        if self._threads:
            self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join()
        with self.lock:
            for handle in self.workspace.handles.values():
                handle.cancel()

    def __enter__(self) -> WorkspaceServer:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _serve(self) -> None:
        self._http.serve_forever(poll_interval=0.05)

    def _watch_runs(self) -> None:
        while not self.stopped.wait(_GLANCE):
            with self.lock:
                run_progress.advance(self.workspace)

    def answer(self, raw: RawRequest) -> tuple[Response | None, Fault | None]:
        """Answer a request, or do to it what was asked for; None = no answer."""
        with self.lock:
            entry = self.log.add(raw.method, raw.path, raw.query)
            entry.body = shown_body(raw.headers.get("Content-Type", ""), raw.content)
            entry.fault = fault = self.faults.take(entry.number, raw.method, raw.path)
            if fault is Fault.CUT_BEFORE:
                return None, fault
            if fault is not None and fault not in REACHING:
                response = refusal(self.faults.refusal(fault))
            else:
                run_progress.advance(self.workspace)
                workspace = self.workspace
                if fault is Fault.NO_EFFECT:
                    workspace = dataclasses.replace(workspace, state=copy.deepcopy(self.state))
                response, entry.caller = respond(workspace, raw)
                run_progress.advance(self.workspace)
            if fault in (Fault.CUT_AFTER, Fault.TIMEOUT_AFTER):
                return None, fault
            entry.status = response.status
            return response, fault


class _HttpServer(ThreadingHTTPServer):
    """One thread a connection; none of them outlives the process."""

    daemon_threads = True
    workspace_server: WorkspaceServer


class _Handler(BaseHTTPRequestHandler):
    """Reads requests off the wire and writes answers onto it."""

    protocol_version = "HTTP/1.1"
    server_version = "databricks"
    # The head and the body of an answer leave together.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _HttpServer

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
        response, fault = self.server.workspace_server.answer(raw)
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
            if "Content-Length" not in response.headers:
                self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _wait_for_the_caller(self) -> None:
        """Wait until the caller closes the connection, or the server stops."""
        while not self.server.workspace_server.stopped.is_set():
            if select.select([self.connection], [], [], 0.1)[0]:
                return

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the log is for that."""
