"""The workspace's HTTP server on 127.0.0.1."""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Callable
from types import TracebackType

from local.workspace import run_progress, signing_in
from local.workspace.contents import new_state
from local.workspace.context import Behavior, Workspace
from local.workspace.dispatch import RawRequest, refusal, respond
from local.workspace.exchange import Response
from local.workspace.faults import REACHING, Fault, Faults
from local.workspace.request_log import LoggedRequest, RequestLog, shown_body
from local.workspace.runner import RecordingRunner, Runner
from local.workspace.state import State
from local.workspace.wire import HttpServer

# Seconds between two checks of the runs while no request arrives.
_GLANCE = 0.1
# Seconds that tasks have to finish when the server stops.
_PATIENCE = 10


class WorkspaceServer:
    """A Databricks workspace on this machine, with one administrator.

    Attributes:
        state: the objects in the workspace; hold ``lock`` while changing it.
        behavior: the behavior of the workspace.
        faults: the planned faults.
        log: the log of requests.
        credentials: the credentials of the service principal that administers it.
        lock: held while a request is answered or runs advance.
        on_answer: called with each request after its response, even if a fault suppressed the response.

    Example::

        with WorkspaceServer() as server:
            client = WorkspaceClient(host=server.host, token=server.credentials.token)
    """

    def __init__(self, *, runner: Runner | None = None, port: int = 0, behavior: Behavior | None = None) -> None:
        """Bind a port; ``start`` begins to answer requests.

        Args:
            runner: the runner of tasks; by default one that only records them.
            port: the port; 0 selects a free one.
            behavior: the behavior of the workspace.

        Raises:
            OSError: if the port is in use.
        """
        self.stopped = threading.Event()
        self._http = HttpServer(port, answer=self.answer, stopped=self.stopped)
        state, self.credentials = new_state()
        self.workspace = Workspace(
            f"http://127.0.0.1:{self._http.server_port}",
            state,
            runner=runner or RecordingRunner(),
            behavior=behavior or Behavior(),
        )
        self.faults = Faults()
        self.log = RequestLog()
        self.lock = threading.RLock()
        self.on_answer: Callable[[LoggedRequest], None] | None = None
        self._threads: list[threading.Thread] = []

    @property
    def host(self) -> str:
        """The address for ``WorkspaceClient(host=...)``."""
        return self.workspace.host

    @property
    def state(self) -> State:
        """The objects in the workspace."""
        return self.workspace.state

    @property
    def behavior(self) -> Behavior:
        """The behavior of the workspace."""
        return self.workspace.behavior

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests since the start, or since the log was cleared."""
        return self.log.requests

    def clear_log(self) -> None:
        """Remove the requests and the faults; the next request is number 1."""
        with self.lock:
            self.log.requests.clear()
            self.faults.clear()

    def fire_schedule(self, job_id: int) -> int | None:
        """Start a scheduled job's run as if its time had come; return None if the schedule is paused."""
        with self.lock:
            return run_progress.fire_schedule(self.workspace, job_id)

    def start(self) -> WorkspaceServer:
        """Start answering requests."""
        for target in (self._serve, self._watch_runs):
            thread = threading.Thread(target=target, name=f"workspace {target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Stop answering, cancel the running tasks, and give them a few seconds to end."""
        self.stopped.set()
        if self._threads:
            self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()
        for thread in self._threads:
            thread.join()
        with self.lock:
            run_progress.end_all(self.workspace, seconds=_PATIENCE)

    def __enter__(self) -> WorkspaceServer:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _serve(self) -> None:
        self._http.serve_forever(poll_interval=0.02)

    def _watch_runs(self) -> None:
        while not self.stopped.wait(_GLANCE):
            with self.lock:
                run_progress.advance(self.workspace)

    def answer(self, raw: RawRequest) -> tuple[Response | None, Fault | None]:
        """Answer a request, or apply the fault that is planned for it; None means that no response is sent."""
        with self.lock:
            entry = self.log.add(raw.method, raw.path, raw.query)
            entry.body = shown_body(raw.headers.get("Content-Type", ""), raw.content)
            entry.fault = self.faults.take(entry.number, raw.method, raw.path)
            response = self._response(raw, entry)
            entry.status = response.status if response is not None else 0
            if self.on_answer is not None:
                self.on_answer(entry)
            return response, entry.fault

    def _response(self, raw: RawRequest, entry: LoggedRequest) -> Response | None:
        fault = entry.fault
        if fault is Fault.CUT_BEFORE:
            return None
        if fault in (Fault.BARE_NOT_FOUND, Fault.BARE_DENIED):
            return Response(status=404) if fault is Fault.BARE_NOT_FOUND else Response({}, status=403)
        if fault in (Fault.UNKNOWN_CLIENT, Fault.UNKNOWN_CLIENT_400):
            return signing_in.unknown_client(401 if fault is Fault.UNKNOWN_CLIENT else 400)
        if fault is not None and fault not in REACHING:
            return refusal(self.faults.refusal(fault))
        workspace = self.workspace
        run_progress.advance(workspace)
        if fault is Fault.NO_EFFECT:
            workspace = dataclasses.replace(workspace, state=copy.deepcopy(self.state))
        response, entry.caller = respond(workspace, raw)
        run_progress.advance(self.workspace)
        return None if fault in (Fault.CUT_AFTER, Fault.TIMEOUT_AFTER) else response
