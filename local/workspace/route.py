"""Endpoints, and the lookup of the endpoint for a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.workspace.context import Workspace
from local.workspace.exchange import Request, Response
from local.workspace.shape import Shape

Handler = Callable[[Workspace, Request], "Response | dict[str, Any]"]


@dataclass(frozen=True)
class Route:
    """An endpoint.

    Attributes:
        method: the HTTP method.
        path: the path; ``{name}`` stands for one segment.
        handler: the function that answers the request.
        shape: the shape of the JSON body; None without a JSON body.
        admin: whether only administrators can call it.
        open: whether it works without a token.
    """

    method: str
    path: str
    handler: Handler
    shape: Shape | None = None
    admin: bool = False
    open: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


def find(routes: Sequence[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the endpoint for a request and the named segments of its path; None without such an endpoint."""
    for route in routes:
        if route.method == method and (match := route.pattern.fullmatch(path)):
            return route, match.groupdict()
    return None
