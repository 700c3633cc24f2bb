"""The log of requests to the workspace, in order and without secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from local.workspace.faults import Fault

_READING = ("GET", "HEAD")
_SIGNING_IN = ("/oidc/", "/.well-known/")
_SECRET_KEYS = frozenset({"client_secret", "token", "token_value", "password", "access_token"})


@dataclass
class LoggedRequest:
    """A request.

    Attributes:
        number: the number of the request, counted from 1.
        method: the HTTP method.
        path: the path, without the query.
        query: the query parameters.
        body: the JSON body without secrets and file contents; None without a body.
        caller: the principal's name; empty until the caller is identified.
        status: the HTTP status of the response; 0 if none was sent.
        fault: the planned fault that was applied.
    """

    number: int
    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    caller: str = ""
    status: int = 0
    fault: Fault | None = None

    @property
    def writes(self) -> bool:
        """True if the request asks for a change; signing in does not count."""
        return self.method not in _READING and not self.path.startswith(_SIGNING_IN)

    def __str__(self) -> str:
        """Return the method and the path, as failing tests and the console print them."""
        return f"{self.method} {self.path}"


@dataclass
class RequestLog:
    """The requests since the start, or since the log was cleared."""

    requests: list[LoggedRequest] = field(default_factory=list)

    def add(self, method: str, path: str, query: dict[str, str]) -> LoggedRequest:
        """Record a request on its arrival."""
        entry = LoggedRequest(len(self.requests) + 1, method, path, query)
        self.requests.append(entry)
        return entry

    def writing(self) -> list[LoggedRequest]:
        """Return the requests that ask for a change."""
        return [request for request in self.requests if request.writes]


def shown_body(content_type: str, content: bytes) -> Any:
    """Return a body as it appears in the log."""
    if not content:
        return None
    if not content_type.startswith("application/json"):
        return f"<{len(content)} bytes>"
    try:
        return _without_secrets(json.loads(content))
    except ValueError:
        return f"<{len(content)} bytes>"


def _without_secrets(value: Any, key: str = "") -> Any:
    if key in _SECRET_KEYS:
        return "***"
    if key == "content" and isinstance(value, str):
        return f"<{len(value)} characters>"
    if isinstance(value, dict):
        return {name: _without_secrets(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
