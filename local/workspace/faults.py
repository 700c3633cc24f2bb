"""What goes wrong on purpose: for the n-th request, or for every request to an endpoint."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from local.workspace.context import WORKSPACE_ID
from local.workspace.errors import ApiError


class Fault(enum.Enum):
    """What happens to a request."""

    TOO_MANY_REQUESTS = "429 with Retry-After, no effect"
    UNAVAILABLE = "503, no effect"
    DENIED = "403, no effect: the right was revoked"
    REFUSED = "400, no effect: something about the request is not allowed"
    BLOCKED = "403, no effect: the caller's address is not on the workspace's IP access list"
    BARE_NOT_FOUND = "404 with an empty body, no effect"
    BARE_DENIED = "403 with an empty object, no effect"
    CUT_BEFORE = "the connection is cut before there is an effect"
    CUT_AFTER = "the connection is cut after the effect, without an answer"
    TIMEOUT_AFTER = "the effect takes place and no answer comes until the caller gives up"
    UNKNOWN_CLIENT = "401 invalid_client, no effect: the token endpoint does not know the secret (yet)"
    UNKNOWN_CLIENT_400 = "400 invalid_client, no effect: the same, as RFC 6749 (5.2) allows"
    NO_EFFECT = "the answer is that of success, and nothing was done"


# Faults that let the request reach its endpoint.
REACHING = frozenset({Fault.CUT_AFTER, Fault.TIMEOUT_AFTER, Fault.NO_EFFECT})


@dataclass
class _Plan:
    """A fault that was asked for.

    Attributes:
        fault: what happens.
        method: of the requests it is for; None = any.
        path: of the requests it is for; None = any.
        first: the first request it is for, counted among those that match, from 1.
        times: for how many of them; None = for all from there on.
        seen: how many matched so far.
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
    """The faults of a workspace.

    Attributes:
        retry_after: the ``Retry-After`` of a 429 or 503, in seconds.
        words: the message of an error; empty = the usual one.

    Example:
        >>> server.faults.at(3, Fault.CUT_AFTER)
        >>> server.faults.on("POST", "/api/2.2/jobs/create", Fault.UNAVAILABLE, times=2)
    """

    retry_after: int = 0
    words: str = ""
    _plans: list[_Plan] = field(default_factory=list)

    def at(self, number: int, fault: Fault, *, times: int | None = 1) -> None:
        """Ask for a fault at a request, counted from 1 since the server started or its log was cleared.

        Args:
            number: which request.
            fault: what happens to it.
            times: how many requests in a row, such as a client's own repetitions; None = all from there on.
        """
        self._plans.append(_Plan(fault, None, None, number, times))

    def on(self, method: str | None, path: str, fault: Fault, *, nth: int = 1, times: int | None = 1) -> None:
        """Ask for a fault at requests to an endpoint.

        Args:
            method: the HTTP method; None = any.
            path: the path, with ``*`` for anything.
            fault: what happens.
            nth: the first of these requests that it happens to, counted from now and from 1.
            times: to how many; None = all from there on.
        """
        pattern = re.compile(".*".join(re.escape(part) for part in path.split("*")))
        self._plans.append(_Plan(fault, method, pattern, nth, times))

    def clear(self) -> None:
        """Forget what was asked for."""
        self._plans.clear()

    def take(self, number: int, method: str, path: str) -> Fault | None:
        """Return what happens to a request; every plan counts it, and the first one that takes it wins."""
        taken = [plan.fault for plan in self._plans if plan.takes(number, method, path)]
        return taken[0] if taken else None

    def refusal(self, fault: Fault) -> ApiError:
        """Return the answer of a fault that neither cuts the connection nor reaches the endpoint."""
        headers = {"Retry-After": str(self.retry_after)}
        if fault is Fault.TOO_MANY_REQUESTS:
            text = self.words or "Current request has to be retried, rate limit"
            return ApiError(429, "REQUEST_LIMIT_EXCEEDED", text, headers)
        if fault is Fault.UNAVAILABLE:
            text = self.words or "The service is temporarily unavailable"
            return ApiError(503, "TEMPORARILY_UNAVAILABLE", text, headers)
        if fault is Fault.REFUSED:
            return ApiError(400, "INVALID_PARAMETER_VALUE", self.words or "The request is not valid")
        if fault is Fault.BLOCKED:
            where = f"workspace: {WORKSPACE_ID}"
            text = f"Source IP address: 203.0.113.7 is blocked by Databricks IP ACL for {where}"
            return ApiError(403, "PERMISSION_DENIED", f"{text} {self.words}".rstrip())
        return ApiError(403, "PERMISSION_DENIED", self.words or "Only admins can perform this operation")
