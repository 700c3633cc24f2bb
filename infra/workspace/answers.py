"""What the workspace, AWS and the network answer, in words: what was being done, why not, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from databricks.sdk.errors import PermissionDenied, TooManyRequests, Unauthenticated
from databricks.sdk.errors.base import DatabricksError

from infra.workspace.errors import DeploymentError, sentence

# A wrong personal access token is answered as if it lacked a right.
_NOT_SIGNED_IN = ("invalid_client", "Invalid access token")

# The function's address changes, so a list that does not name it is met in production first.
_BLOCKED = ("ip acl", "ip access list")

ADMIN = "The deploying service principal has to be a workspace admin (Settings, Identity and access, group admins)"


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Turn the errors of a block, which does ``what``, into a DeploymentError with that in front.

    Raises:
        DeploymentError: as the block does, or for what the workspace, AWS or the network answered.
    """
    try:
        yield
    except (DatabricksError, BotoCoreError, ClientError, requests.RequestException, TimeoutError, ValueError) as error:
        raise DeploymentError(sentence(f"{what}: {explained(error)}")) from error


def explained(error: Exception) -> str:
    """An error of a library in words, with what to do."""
    if is_blocked(str(error)):
        return blocked(first_line(error))
    if isinstance(error, Unauthenticated) or any(text in str(error) for text in _NOT_SIGNED_IN):
        return (
            f"the workspace refused the credentials ({first_line(error)}). Make an OAuth secret for the service "
            "principal in this workspace, put client_id and client_secret where the deployment reads them, try again"
        )
    if "cannot configure default credentials" in str(error):
        return (
            "there are no credentials for the workspace. Set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET of the "
            "service principal, or DATABRICKS_TOKEN, or name a profile in DATABRICKS_CONFIG_PROFILE"
        )
    if "more than one authorization method" in str(error):
        return (
            "there are two kinds of credentials for the workspace. Keep DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and "
            "DATABRICKS_CLIENT_SECRET, in the environment and in the profile (~/.databrickscfg), and unset the other"
        )
    if isinstance(error, PermissionDenied):
        return f"the workspace refused it ({first_line(error)}). {ADMIN}; then deploy again"
    if isinstance(error, TooManyRequests):
        return f"the workspace is too busy ({first_line(error)}). Deploy again later; it goes on from here"
    # Another server may well answer where the SDK asks for a workspace's endpoints, and then names none.
    if isinstance(error, requests.JSONDecodeError) or "Invalid URL 'None'" in str(error):
        return "what answered is no workspace. Look at workspace.host: the URL that you open the workspace with"
    if isinstance(error, requests.RequestException | TimeoutError):
        return (
            "the workspace did not answer in time. Look at workspace.host and at the network in between, then deploy "
            "again; it goes on from here"
        )
    if isinstance(error, NoCredentialsError):
        return (
            "there are no AWS credentials. Sign in to the account of the bucket (aws sso login, AWS_PROFILE), try again"
        )
    if isinstance(error, ClientError | BotoCoreError):
        return f"AWS refused it ({first_line(error)}). Put that right and try again; it goes on from here"
    if isinstance(error, DatabricksError):
        return f"the workspace answered: {first_line(error)}. Put that right and deploy again; it goes on from here"
    return first_line(error)


def is_blocked(text: str) -> bool:
    """Return whether an answer says that the workspace's IP access list does not name the caller's address."""
    return any(part in text.lower() for part in _BLOCKED)


def blocked(answer: str) -> str:
    """Return what to do about such an answer."""
    return (
        f"the workspace has an IP access list, and the address that this comes from is not on it ({answer}). Allow the "
        "function's address: deploy by hand from an allowed network, or give the function a VPC with a fixed address; "
        "then deploy again"
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error, without the configuration that the SDK adds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).split(". Config: ")[0].rstrip(".")
