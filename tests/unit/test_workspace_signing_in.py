"""Tokens of the local workspace: OAuth, personal access tokens, and requests without a valid token."""

from __future__ import annotations

import time

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import PermissionDenied, Unauthenticated

from local.workspace import WorkspaceServer, add_service_principal, add_user, issue_token
from tests.support.workspaces import connect


def oauth(server: WorkspaceServer, secret: str) -> WorkspaceClient:
    config = Config(host=server.host, client_id=server.credentials.client_id, client_secret=secret)
    return WorkspaceClient(config=config)


def token_requests(server: WorkspaceServer) -> int:
    return sum(request.path == "/oidc/v1/token" for request in server.requests)


def test_a_service_principal_signs_in_once_with_its_oauth_secret() -> None:
    with WorkspaceServer() as server:
        client = oauth(server, server.credentials.client_secret)
        assert client.current_user.me().user_name == server.credentials.client_id
        client.current_user.me()
        assert token_requests(server) == 1


def test_an_expired_oauth_token_is_fetched_again(server: WorkspaceServer) -> None:
    server.behavior.token_seconds = 1
    client = oauth(server, server.credentials.client_secret)
    client.current_user.me()
    time.sleep(1.1)
    client.current_user.me()
    assert token_requests(server) > 1


def test_a_wrong_secret_is_rejected_with_the_oauth_error(server: WorkspaceServer) -> None:
    with pytest.raises(ValueError, match="invalid_client"):
        oauth(server, "wrong").current_user.me()


def test_a_personal_access_token_authenticates_its_principal(server: WorkspaceServer) -> None:
    token = issue_token(server.state, add_user(server.state, "ana@example.com"))
    assert connect(server, token=token).current_user.me().user_name == "ana@example.com"


def test_an_unknown_token_returns_403_and_a_missing_token_401(server: WorkspaceServer) -> None:
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        connect(server, token="dapi0000").current_user.me()
    # The SDK does not send requests without a token, so this test removes the authentication from its client.
    client = connect(server)
    client.config._header_factory = dict
    with pytest.raises(Unauthenticated, match="Credential was not sent"):
        client.current_user.me()


def test_an_expired_token_is_rejected(server: WorkspaceServer) -> None:
    token = issue_token(server.state, add_user(server.state, "ana@example.com"), expires_at=time.time() - 1)
    with pytest.raises(PermissionDenied, match="expired"):
        connect(server, token=token).current_user.me()


def test_only_administrators_can_use_administrator_requests(server: WorkspaceServer) -> None:
    credentials = add_service_principal(server.state, "reader")
    client = connect(server, token=credentials.token)
    with pytest.raises(PermissionDenied, match="Only admins"):
        client.instance_profiles.add("arn:aws:iam::123456789012:instance-profile/x")
    assert not server.state.instance_profiles


def test_the_log_of_requests_contains_no_secrets(server: WorkspaceServer) -> None:
    oauth(server, server.credentials.client_secret).current_user.me()
    connect(server).current_user.me()
    logged = repr(server.requests)
    assert server.credentials.client_secret not in logged
    assert server.credentials.token not in logged
    assert all(token not in logged for token in server.state.tokens)
