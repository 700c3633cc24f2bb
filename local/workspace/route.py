"""What an endpoint is, and how one is found for a path."""

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
        path: the path; ``{name}`` stands for one part of it, ``{name*}`` for all the rest.
        handler: answers the request.
        shape: the body's shape; None when the body is no JSON, or there is none.
        admin: whether only administrators may call it.
        open: whether it needs no token.
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
        rest = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", self.path)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", rest))


def find(routes: Sequence[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the endpoint for a request and the named parts of its path."""
    for route in routes:
        if route.method == method and (found := route.pattern.fullmatch(path)):
            return route, found.groupdict()
    return None
