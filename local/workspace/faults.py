"""Planned faults: for the n-th request, or for requests to an endpoint."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from local.workspace.context import WORKSPACE_ID
from local.workspace.errors import ApiError


class Fault(enum.Enum):
    """A fault that happens to a request."""

    TOO_MANY_REQUESTS = "429 with Retry-After, no effect"
    UNAVAILABLE = "503, no effect"
    DENIED = "403, no effect: the permission was revoked"
    REFUSED = "400, no effect: something about the request is not allowed"
    BLOCKED = "403, no effect: the caller's address is not on the workspace's IP access list"
    BARE_NOT_FOUND = "404 with an empty body, no effect"
    BARE_DENIED = "403 with an empty object, no effect"
    CUT_BEFORE = "the connection is cut before there is an effect"
    CUT_AFTER = "the request takes effect, and the connection is cut without a response"
    TIMEOUT_AFTER = "the request takes effect, and no response arrives before the caller gives up"
    UNKNOWN_CLIENT = "401 invalid_client, no effect: the token endpoint does not know the secret (yet)"
    UNKNOWN_CLIENT_400 = "400 invalid_client, no effect: the same, as RFC 6749 (5.2) allows"
    NO_EFFECT = "the response reports success, without an effect"


# Faults that let the request reach its endpoint.
REACHING = frozenset({Fault.CUT_AFTER, Fault.TIMEOUT_AFTER, Fault.NO_EFFECT})


@dataclass
class _Plan:
    """A planned fault.

    Attributes:
        fault: the fault.
        method: the HTTP method of matching requests; None for any.
        path: the path of matching requests; None for any.
        first: the first matching request that gets the fault, counted from 1.
        times: how many matching requests get it; None for all that follow.
        seen: the number of matching requests so far.
    """

    fault: Fault
    method: str | None
    path: re.Pattern[str] | None
    first: int
    times: int | None
    seen: int = 0

    def takes(self, number: int, method: str, path: str) -> bool:
        if self.path is None:
            count = number
        elif self.method not in (None, method) or not self.path.fullmatch(path):
            return False
        else:
            self.seen += 1
            count = self.seen
        return count >= self.first and (self.times is None or count < self.first + self.times)


@dataclass
class Faults:
    """The planned faults of a workspace.

    Attributes:
        retry_after: the ``Retry-After`` of a 429 or 503, in seconds.
        message: the message of an error; empty for the default one.

    Example::

        server.faults.at(3, Fault.CUT_AFTER)
        server.faults.on("POST", "/api/2.2/jobs/create", Fault.UNAVAILABLE, times=2)
    """

    retry_after: int = 0
    message: str = ""
    _plans: list[_Plan] = field(default_factory=list)

    def at(self, number: int, fault: Fault, *, times: int | None = 1) -> None:
        """Plan a fault for a request, counted from 1 since the server started or its log was cleared.

        Args:
            number: the number of the request.
            fault: the fault.
            times: how many consecutive requests get it, such as a client's retries; None for all that follow.
        """
        self._plans.append(_Plan(fault, None, None, number, times))

    def on(self, method: str | None, path: str, fault: Fault, *, nth: int = 1, times: int | None = 1) -> None:
        """Plan a fault for requests to an endpoint.

        Args:
            method: the HTTP method; None for any.
            path: the path; ``*`` matches any text.
            fault: the fault.
            nth: the first of these requests that gets it, counted from 1, starting now.
            times: how many of them get it; None for all that follow.
        """
        pattern = re.compile(".*".join(re.escape(part) for part in path.split("*")))
        self._plans.append(_Plan(fault, method, pattern, nth, times))

    def clear(self) -> None:
        """Remove all planned faults."""
        self._plans.clear()

    def take(self, number: int, method: str, path: str) -> Fault | None:
        """Return the fault of a request, if any. Every plan counts the request; the first plan that applies wins."""
        taken = [plan.fault for plan in self._plans if plan.takes(number, method, path)]
        return taken[0] if taken else None

    def refusal(self, fault: Fault) -> ApiError:
        """Return the error for a fault that neither cuts the connection nor reaches the endpoint."""
        headers = {"Retry-After": str(self.retry_after)}
        if fault is Fault.TOO_MANY_REQUESTS:
            text = self.message or "Current request has to be retried, rate limit"
            return ApiError(429, "REQUEST_LIMIT_EXCEEDED", text, headers)
        if fault is Fault.UNAVAILABLE:
            text = self.message or "The service is temporarily unavailable"
            return ApiError(503, "TEMPORARILY_UNAVAILABLE", text, headers)
        if fault is Fault.REFUSED:
            return ApiError(400, "INVALID_PARAMETER_VALUE", self.message or "The request is not valid")
        if fault is Fault.BLOCKED:
            where = f"workspace: {WORKSPACE_ID}"
            text = f"Source IP address: 203.0.113.7 is blocked by Databricks IP ACL for {where}"
            return ApiError(403, "PERMISSION_DENIED", f"{text} {self.message}".rstrip())
        return ApiError(403, "PERMISSION_DENIED", self.message or "Only admins can perform this operation")
