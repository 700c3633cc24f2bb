"""Tokens: OAuth for service principals (client credentials), personal access tokens, and the principal of a token."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, unquote

from local.workspace.context import WORKSPACE_ID, Workspace
from local.workspace.errors import ApiError
from local.workspace.exchange import Request, Response
from local.workspace.route import Route
from local.workspace.state import Principal, State, Token


def caller_of(state: State, authorization: str) -> Principal:
    """Return the principal of the bearer token in an ``Authorization`` header.

    Raises:
        ApiError: 401 without a token, 403 with an invalid or expired one.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(401, 401, "Credential was not sent or was of an unsupported type for this API.")
    known = state.tokens.get(token)
    if known is None or known.principal_id not in state.principals:
        raise ApiError(403, 403, "Invalid access token.")
    if known.expires_at is not None and known.expires_at <= time.time():
        raise ApiError(403, 403, "Access token is expired.")
    return state.principals[known.principal_id]


def _metadata(workspace: Workspace, _request: Request) -> dict[str, Any]:
    """Return the address of the OAuth endpoints, which the SDK requests when a client is created."""
    return {"oidc_endpoint": f"{workspace.host}/oidc", "workspace_id": WORKSPACE_ID, "cloud": "AWS"}


def _discovery(workspace: Workspace, _request: Request) -> dict[str, Any]:
    return {
        "issuer": f"{workspace.host}/oidc",
        "authorization_endpoint": f"{workspace.host}/oidc/v1/authorize",
        "token_endpoint": f"{workspace.host}/oidc/v1/token",
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "scopes_supported": ["all-apis", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    }


def _token(workspace: Workspace, request: Request) -> Response:
    """Exchange a service principal's ID and secret for a token (RFC 6749, 4.4)."""
    form = {key: values[0] for key, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "Only client_credentials is supported here")
    client_id, secret = _basic(request.authorization) or (
        form.get("client_id", ""),
        form.get("client_secret", ""),
    )
    state = workspace.state
    expected = state.client_secrets.get(client_id)
    if expected is None or not hmac.compare_digest(expected.encode(), secret.encode()):
        return unknown_client()
    token = f"eyJ{secrets.token_urlsafe(48)}"
    seconds = workspace.behavior.token_seconds
    state.tokens[token] = Token(state.principal(client_id).id, time.time() + seconds)
    scope = form.get("scope", "all-apis")
    return Response(
        {"access_token": token, "token_type": "Bearer", "expires_in": int(seconds), "scope": scope},
        headers={"Cache-Control": "no-store"},
    )


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return unquote(client_id), unquote(secret)


def unknown_client(status: int = 401) -> Response:
    """Return the token endpoint's response to an unknown client ID or a wrong secret."""
    return _refusal(status, "invalid_client", "Client authentication failed")


def _refusal(status: int, error: str, description: str) -> Response:
    """Return an error in OAuth's own format."""
    body = json.dumps({"error": error, "error_description": description}).encode()
    return Response(status=status, content=body)


ROUTES = (
    Route("GET", "/.well-known/databricks-config", _metadata, open=True),
    Route("GET", "/oidc/.well-known/oauth-authorization-server", _discovery, open=True),
    Route("POST", "/oidc/v1/token", _token, open=True),
)
