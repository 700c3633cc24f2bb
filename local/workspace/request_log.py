"""What was asked of the workspace, in order, without any secret."""

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
        number: counted from 1.
        method: the HTTP method.
        path: the path, without the query.
        query: the query's parameters.
        body: the JSON body, secrets and file contents left out; None without one.
        caller: the principal's name, once it is known.
        status: the answer's HTTP status; 0 when no answer was sent (yet).
        fault: what went wrong on purpose.
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
        """Whether it asks for a change; signing in is none."""
        return self.method not in _READING and not self.path.startswith(_SIGNING_IN)

    def __str__(self) -> str:
        """Return method and path: what a failing test shows."""
        return f"{self.method} {self.path}"


@dataclass
class RequestLog:
    """All requests since the start, or since the log was cleared."""

    requests: list[LoggedRequest] = field(default_factory=list)

    def add(self, method: str, path: str, query: dict[str, str]) -> LoggedRequest:
        """Note a request that has just come in."""
        entry = LoggedRequest(len(self.requests) + 1, method, path, query)
        self.requests.append(entry)
        return entry

    def writing(self) -> list[LoggedRequest]:
        """Return the requests that asked for a change."""
        return [one for one in self.requests if one.writes]


def shown_body(content_type: str, content: bytes) -> Any:
    """Return a body as the log keeps it."""
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
        return {name: _without_secrets(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    return value
