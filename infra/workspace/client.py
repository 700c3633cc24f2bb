"""The client for a workspace: from a secret, or from the SDK's ordinary environment variables and profiles."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import requests
from databricks.sdk import WorkspaceClient, useragent
from databricks.sdk.clock import Clock, RealClock
from databricks.sdk.config import Config

from infra.workspace.answers import blocked, is_blocked, saying
from infra.workspace.errors import DeploymentError, sentence

# A request is tried again for a minute, and the last try may take another: so a function of 15 minutes always has time
# to answer. The SDK's own five minutes are too long for that.
RETRY_SECONDS = 60
REQUEST_SECONDS = 60

_TRIES = 3
_REACH_SECONDS = 10

_CREDENTIALS = ("token", "client_id", "client_secret")
# What no credential has in it. In a header it would be refused by an error that repeats the whole value.
_BROKEN = re.compile(r"[\s\x00-\x1f\x7f]")


def connect(host: str, *, secret: Mapping[str, str] | None = None, clock: Clock | None = None) -> WorkspaceClient:
    """A client for a workspace; without a secret the SDK looks for credentials as it always does.

    Raises:
        DeploymentError: there are no credentials, or the workspace refuses them or cannot be reached.
    """
    useragent.with_product("vpc-flow-logs-to-databricks", "0.1.0")
    credentials: dict[str, Any] = dict(secret or {})
    _refuse_broken({name: os.environ.get(f"DATABRICKS_{name.upper()}") for name in _CREDENTIALS} | credentials)
    _reach(host, clock or RealClock())
    with saying(f"Signing in to {host}"):
        config = Config(
            host=host,
            auth_type=_kind(secret) if secret is not None else None,
            retry_timeout_seconds=RETRY_SECONDS,
            http_timeout_seconds=REQUEST_SECONDS,
            clock=clock,
            **credentials,
        )
        _refuse_broken({name: getattr(config, name) for name in _CREDENTIALS})  # of a profile
        return WorkspaceClient(config=config)


def _refuse_broken(credentials: Mapping[str, str | None]) -> None:
    broken = [name for name, value in credentials.items() if value and _BROKEN.search(value)]
    if broken:
        raise DeploymentError(
            f"There is a space or a line break in the credentials ({', '.join(broken)}): they were not copied whole, "
            "or with more than them. Set them again where they come from (the secret, an environment variable such as "
            f"DATABRICKS_{broken[0].upper()}, or a profile), and then try again"
        )


def _reach(host: str, clock: Clock) -> None:
    """See that somebody answers at all: the SDK would try a wrong host for minutes before it says so."""
    for left in reversed(range(_TRIES)):
        try:
            answer = requests.get(f"{host}/.well-known/databricks-config", timeout=_REACH_SECONDS)
            break
        except requests.RequestException as error:
            if not left:
                raise DeploymentError(
                    f"Nobody answers at {host}. Look at workspace.host, the URL that you open the workspace with, and "
                    "at the network in between (a private workspace needs a way to it); then try again"
                ) from error
        clock.sleep(1)
    # The SDK passes over what it is refused here, and then fails for another reason.
    if answer.status_code == requests.codes.forbidden and is_blocked(answer.text):
        raise DeploymentError(sentence(f"Signing in to {host}: {blocked(_message(answer))}"))


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason}"


def secret_of(text: str) -> dict[str, str]:
    """The credentials in the JSON of a secret: ``client_id`` and ``client_secret``, or ``token``.

    Raises:
        DeploymentError: it has neither; the text is never repeated.
    """
    try:
        raw = json.loads(text)
    except ValueError:
        raw = None
    for names in (("client_id", "client_secret"), ("token",)):
        if isinstance(raw, dict) and all(isinstance(raw.get(name), str) and raw[name].strip() for name in names):
            return {name: raw[name].strip() for name in names}
    raise DeploymentError(
        "The secret of workspace.secret_arn has to be JSON with client_id and client_secret of a service principal, "
        "or with token. Store it so (aws secretsmanager put-secret-value) and deploy again"
    )


def _kind(secret: Mapping[str, str]) -> str:
    return "pat" if "token" in secret else "oauth-m2m"
