"""A request and its response, as the endpoints see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.workspace.errors import invalid
from local.workspace.state import Principal


@dataclass(frozen=True)
class Request:
    """A request with a known caller and a checked body.

    Attributes:
        path: the decoded path, without the query.
        query: the query parameters.
        params: the named segments of the route's path.
        body: the JSON object in the body; empty if the body is not JSON.
        content: the bytes of the body.
        caller: the authenticated principal.
        authorization: the ``Authorization`` header.
    """

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
            ApiError: if it is missing.
        """
        try:
            return self.query[name]
        except KeyError:
            raise invalid(f"Missing required field '{name}'") from None

    def number(self, name: str, default: int | None = None) -> int:
        """Return a query parameter that is a whole number.

        Raises:
            ApiError: if it is not a number, or is missing and has no default.
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
    """A response with a JSON document or bytes as its body.

    Attributes:
        document: the JSON body; None for an empty body.
        status: the HTTP status.
        content: the body if it is not JSON.
        content_type: the content type of the body.
        headers: additional headers.
    """

    document: Any = None
    status: int = 200
    content: bytes | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
