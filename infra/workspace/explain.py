"""Explain errors of the workspace, AWS and the network: the cause and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from databricks.sdk.errors import PermissionDenied, TooManyRequests, Unauthenticated
from databricks.sdk.errors.base import DatabricksError

from infra.workspace.errors import DeploymentError

# The workspace reports an invalid personal access token as a missing permission.
_NOT_SIGNED_IN = ("invalid_client", "Invalid access token")

# The function's IP address changes, so an IP access list without it may first fail in production.
_BLOCKED = ("ip acl", "ip access list")

ADMIN = "The deploying service principal must be a workspace admin (Settings, Identity and access, group admins)"


@dataclass(frozen=True)
class Explanation:
    """The explanation of an error response.

    Attributes:
        cause: the cause, in this project's wording; empty if only the service's own message is known.
        detail: the service's message, if it adds information.
        advice: the next step; empty if none is known.
    """

    cause: str
    detail: str = ""
    advice: str = ""

    def error(self, action: str) -> DeploymentError:
        """Return the error of an action that received this response."""
        return DeploymentError(f"{action}: {self.cause}".rstrip(), detail=self.detail, advice=self.advice)


@contextmanager
def explaining(action: str) -> Iterator[None]:
    """Turn errors of a block into a DeploymentError that begins with the action of the block.

    Raises:
        DeploymentError: the block raises one, or the workspace, AWS or the network returns an error.
    """
    try:
        yield
    except (DatabricksError, BotoCoreError, ClientError, requests.RequestException, TimeoutError, ValueError) as error:
        raise explained(error).error(action) from error


def explained(error: Exception) -> Explanation:
    """Return the cause of a library's error and the next step."""
    return _of_the_sign_in(error) or _of_the_network(error) or _of_a_service(error)


def is_blocked(text: str) -> bool:
    """Return whether a response reports that the workspace's IP access list blocks the caller's address."""
    return any(part in text.lower() for part in _BLOCKED)


def is_unknown_client(error: Exception) -> bool:
    """Return whether the token endpoint rejected a client ID and secret, as it does until a new secret propagates."""
    return "invalid_client" in str(error)


def blocked(detail: str) -> Explanation:
    """Return the explanation of a request that the workspace's IP access list blocks."""
    return Explanation(
        "the workspace's IP access list does not allow the address of this request",
        detail,
        "Deploy by hand from an allowed network, or run the function in a VPC with a fixed address and add that "
        "address to the list; then deploy again",
    )


def message_of(error: Exception) -> str:
    """Return the first line of an error, without the configuration that the SDK adds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).split(". Config: ")[0].rstrip(".")


def _of_the_sign_in(error: Exception) -> Explanation | None:
    if is_blocked(str(error)):
        return blocked(message_of(error))
    if isinstance(error, Unauthenticated) or any(text in str(error) for text in _NOT_SIGNED_IN):
        return Explanation(
            "the workspace rejected the credentials",
            message_of(error),
            "Create an OAuth secret for the service principal in this workspace, store client_id and client_secret "
            "where the deployment reads them, and try again",
        )
    if "cannot configure default credentials" in str(error):
        return Explanation(
            "no credentials for the workspace are set",
            advice="Set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET of the service principal, or "
            "DATABRICKS_TOKEN, or name a profile in DATABRICKS_CONFIG_PROFILE",
        )
    if "more than one authorization method" in str(error):
        return Explanation(
            "two kinds of credentials for the workspace are set",
            advice="Keep either DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, across the "
            "environment and the profile (~/.databrickscfg), and unset the other",
        )
    if isinstance(error, NoCredentialsError):
        return Explanation(
            "no AWS credentials are set",
            advice="Sign in to the bucket's account (aws sso login, AWS_PROFILE) and try again",
        )
    return None


def _of_the_network(error: Exception) -> Explanation | None:
    # The SDK requests the workspace's endpoints; another server may answer that request without any endpoints.
    if isinstance(error, requests.JSONDecodeError) or "Invalid URL 'None'" in str(error):
        return Explanation(
            "the server at this address is not a Databricks workspace",
            advice="Check workspace.host; it must be the URL at which you open the workspace",
        )
    if isinstance(error, requests.RequestException | TimeoutError):
        return Explanation(
            "the workspace did not respond in time",
            advice="Check workspace.host and the network connection, then deploy again; it resumes from here",
        )
    return None


def _of_a_service(error: Exception) -> Explanation:
    detail = message_of(error)
    if isinstance(error, PermissionDenied):
        return Explanation("the workspace denied the request", detail, f"{ADMIN}. Then deploy again")
    if isinstance(error, TooManyRequests):
        return Explanation("the workspace is too busy", detail, "Deploy again later; it resumes from here")
    if isinstance(error, ClientError | BotoCoreError):
        return Explanation("AWS rejected the request", detail, "Fix the cause and try again; it resumes from here")
    if isinstance(error, DatabricksError):
        return Explanation("the workspace returned:", detail, "Fix the cause and deploy again; it resumes from here")
    return Explanation("", detail)
