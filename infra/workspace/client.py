"""The client for a workspace: from a secret, or from the SDK's ordinary environment variables and profiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from databricks.sdk import WorkspaceClient, useragent
from databricks.sdk.clock import Clock
from databricks.sdk.config import Config

from infra.workspace.answers import saying
from infra.workspace.errors import DeploymentError

# A request is tried again for a minute, and the last try may take another: so a function of 15 minutes always has time
# to answer. The SDK's own five minutes are too long for that.
_RETRY_SECONDS = 60
_REQUEST_SECONDS = 60


def connect(host: str, *, secret: Mapping[str, str] | None = None, clock: Clock | None = None) -> WorkspaceClient:
    """A client for a workspace; without a secret the SDK looks for credentials as it always does.

    Raises:
        DeploymentError: there are no credentials, or the workspace refuses them or cannot be reached.
    """
    useragent.with_product("vpc-flow-logs-to-databricks", "0.1.0")
    credentials: dict[str, Any] = dict(secret or {})
    with saying(f"Signing in to {host}"):
        config = Config(
            host=host,
            auth_type=_kind(secret) if secret is not None else None,
            retry_timeout_seconds=_RETRY_SECONDS,
            http_timeout_seconds=_REQUEST_SECONDS,
            clock=clock,
            **credentials,
        )
        return WorkspaceClient(config=config)


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
