"""One request and its answer, as the endpoints see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.workspace.errors import invalid
from local.workspace.state import Principal


@dataclass(frozen=True)
class Request:
    """A request whose caller is known and whose body was checked.

    Attributes:
        method: the HTTP method.
        path: the decoded path, without the query.
        query: the query's parameters.
        params: the named parts of the route's path.
        body: the JSON object of the body; empty when the body is no JSON.
        content: the bytes of the body.
        caller: who asks.
        authorization: the header of this name.
    """

    method: str
    path: str
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: Mapping[str, Any]
    content: bytes
    caller: Principal
    authorization: str = field(default="", repr=False)

    def required(self, name: str) -> str:
        """Return a query parameter.

        Raises:
            ApiError: when it is missing.
        """
        try:
            return self.query[name]
        except KeyError:
            raise invalid(f"Missing required field '{name}'") from None

    def number(self, name: str, default: int | None = None) -> int:
        """Return a query parameter that is a whole number.

        Raises:
            ApiError: when it is missing and has no default, or is no number.
        """
        if default is not None and name not in self.query:
            return default
        text = self.required(name)
        try:
            return int(text)
        except ValueError:
            raise invalid(f"Could not parse parameter {name}: '{text}' is not a number") from None

    def switch(self, name: str) -> bool:
        """Return whether a query parameter is ``true``."""
        return self.query.get(name, "false").lower() == "true"


@dataclass(frozen=True)
class Response:
    """An answer: a JSON document, or bytes as they are.

    Attributes:
        document: what becomes the JSON body; None for no body at all.
        status: HTTP status.
        content: the body when it is no JSON.
        content_type: its type.
        headers: further headers.
    """

    document: Any = None
    status: int = 200
    content: bytes | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
