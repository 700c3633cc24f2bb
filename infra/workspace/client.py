"""Client for a workspace, with credentials from a secret or from the SDK's environment variables and profiles."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import requests
from databricks.sdk import WorkspaceClient, useragent
from databricks.sdk.clock import Clock, RealClock
from databricks.sdk.config import Config

from infra.workspace.errors import DeploymentError
from infra.workspace.explain import blocked, explaining, is_blocked, is_unknown_client

# The SDK retries a request for one minute, and the last attempt may take another minute, so a function with a timeout
# of 15 minutes always has time to respond. The SDK's default of five minutes is too long.
RETRY_SECONDS = 60
REQUEST_SECONDS = 60

SIGN_IN_SECONDS = 60
"""Seconds during which a rejected client ID and secret are retried: a new secret takes time to propagate."""

_LONGEST_PAUSE = 15

_TRIES = 3
_REACH_SECONDS = 10

_CREDENTIALS = ("token", "client_id", "client_secret")
# Characters that no credential contains. In a header they would cause an error that repeats the whole value.
_BROKEN = re.compile(r"[\s\x00-\x1f\x7f]")


def _show(progress: str) -> None:
    print(f"  … {progress}", file=sys.stderr, flush=True)


def connect(
    host: str,
    *,
    secret: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    report: Callable[[str], None] = _show,
) -> WorkspaceClient:
    """Return a signed-in client for a workspace.

    Args:
        host: URL of the workspace.
        secret: the credentials; without them, the SDK looks in its usual sources.
        clock: measures time and pauses.
        report: called with the reason for each wait.

    Raises:
        DeploymentError: no credentials are set, the workspace rejects them, or it cannot be reached.
    """
    useragent.with_product("vpc-flow-logs-to-databricks", "0.1.0")
    credentials: dict[str, Any] = dict(secret or {})
    _refuse_broken({name: os.environ.get(f"DATABRICKS_{name.upper()}") for name in _CREDENTIALS} | credentials)
    clock = clock or RealClock()
    _reach(host, clock)
    with explaining(f"Signing in to {host}"):
        config = Config(
            host=host,
            auth_type=_kind(secret) if secret is not None else None,
            retry_timeout_seconds=RETRY_SECONDS,
            http_timeout_seconds=REQUEST_SECONDS,
            clock=clock,
            **credentials,
        )
        _refuse_broken({name: getattr(config, name) for name in _CREDENTIALS})  # read from a profile
        _sign_in(config, clock, report)
        return WorkspaceClient(config=config)


def _sign_in(config: Config, clock: Clock, report: Callable[[str], None]) -> None:
    """Request the first token; the client keeps it."""
    deadline = clock.time() + SIGN_IN_SECONDS
    pause = 1
    while True:
        try:
            config.authenticate()
            return
        except ValueError as error:
            if not is_unknown_client(error) or clock.time() + pause > deadline:
                raise
        report(f"{config.host} rejects the client ID and secret; a new secret takes time to propagate; trying again")
        clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _refuse_broken(credentials: Mapping[str, str | None]) -> None:
    broken = [name for name, value in credentials.items() if value and _BROKEN.search(value)]
    if broken:
        raise DeploymentError(
            f"The credentials contain a space or a line break ({', '.join(broken)}): they were copied "
            "incompletely or with surrounding text",
            advice="Set them again at their source (the secret, an environment variable such as "
            f"DATABRICKS_{broken[0].upper()}, or a profile) and try again",
        )


def _reach(host: str, clock: Clock) -> None:
    """Fail early if no server answers: the SDK would retry an incorrect host for minutes."""
    for left in reversed(range(_TRIES)):
        try:
            answer = requests.get(f"{host}/.well-known/databricks-config", timeout=_REACH_SECONDS)
            break
        except requests.RequestException as error:
            if not left:
                raise DeploymentError(
                    f"Cannot reach {host}",
                    advice="Check workspace.host, the URL at which you open the workspace, and the network connection "
                    "(a private workspace needs a route to it); then try again",
                ) from error
        clock.sleep(1)
    # The SDK ignores a 403 response to this request and then fails with an unrelated error.
    if answer.status_code == requests.codes.forbidden and is_blocked(answer.text):
        raise blocked(_message(answer)).error(f"Signing in to {host}")


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason}"


def secret_of(text: str) -> dict[str, str]:
    """Return the credentials in the JSON of a secret: ``client_id`` and ``client_secret``, or ``token``.

    Raises:
        DeploymentError: the secret has neither; the message does not repeat the text.
    """
    try:
        raw = json.loads(text)
    except ValueError:
        raw = None
    for names in (("client_id", "client_secret"), ("token",)):
        if isinstance(raw, dict) and all(isinstance(raw.get(name), str) and raw[name].strip() for name in names):
            return {name: raw[name].strip() for name in names}
    raise DeploymentError(
        "The secret of workspace.secret_arn must be JSON with client_id and client_secret of a service principal, "
        "or with token",
        advice="Store such a value (aws secretsmanager put-secret-value) and deploy again",
    )


def _kind(secret: Mapping[str, str]) -> str:
    return "pat" if "token" in secret else "oauth-m2m"
