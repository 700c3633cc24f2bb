"""Explain what the workspace, AWS and the network answer: why it failed, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from databricks.sdk.errors import PermissionDenied, TooManyRequests, Unauthenticated
from databricks.sdk.errors.base import DatabricksError

from infra.workspace.errors import DeploymentError

# A wrong personal access token is answered as if it lacked a right.
_NOT_SIGNED_IN = ("invalid_client", "Invalid access token")

# The function's address changes, so a list that does not name it is met in production first.
_BLOCKED = ("ip acl", "ip access list")

ADMIN = "The deploying service principal has to be a workspace admin (Settings, Identity and access, group admins)"


@dataclass(frozen=True)
class Answer:
    """An answer that is an error.

    Attributes:
        why: what it means, in our words; empty where only the service's own words are known.
        words: the service's words, where they add something.
        advice: what to do; empty where nothing is known.
    """

    why: str
    words: str = ""
    advice: str = ""

    def error(self, what: str) -> DeploymentError:
        """Return the error of a step that did ``what`` and got this answer."""
        return DeploymentError(f"{what}: {self.why}".rstrip(), words=self.words, advice=self.advice)


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Turn the errors of a block, which does ``what``, into a DeploymentError with that in front.

    Raises:
        DeploymentError: as the block does, or for what the workspace, AWS or the network answered.
    """
    try:
        yield
    except (DatabricksError, BotoCoreError, ClientError, requests.RequestException, TimeoutError, ValueError) as error:
        raise explained(error).error(what) from error


def explained(error: Exception) -> Answer:
    """Explain an error of a library, with what to do."""
    return _of_the_sign_in(error) or _of_the_network(error) or _of_a_service(error)


def is_blocked(text: str) -> bool:
    """Return whether an answer reports that the workspace's IP access list lacks the caller's address."""
    return any(part in text.lower() for part in _BLOCKED)


def is_unknown_client(error: Exception) -> bool:
    """Return whether the token endpoint refused a client ID and secret, as it does while a new secret spreads."""
    return "invalid_client" in str(error)


def blocked(words: str) -> Answer:
    """Return what to do about such an answer."""
    return Answer(
        "the workspace has an IP access list, and the address that this comes from is not on it",
        words,
        "Allow the function's address: deploy by hand from an allowed network, or give the function a VPC with a fixed "
        "address; then deploy again",
    )


def words_of(error: Exception) -> str:
    """Return the first line of an error, without the configuration that the SDK adds."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).split(". Config: ")[0].rstrip(".")


def _of_the_sign_in(error: Exception) -> Answer | None:
    if is_blocked(str(error)):
        return blocked(words_of(error))
    if isinstance(error, Unauthenticated) or any(text in str(error) for text in _NOT_SIGNED_IN):
        return Answer(
            "the workspace refused the credentials",
            words_of(error),
            "Create an OAuth secret for the service principal in this workspace, put client_id and client_secret where "
            "the deployment reads them, and try again",
        )
    if "cannot configure default credentials" in str(error):
        return Answer(
            "there are no credentials for the workspace",
            advice="Set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET of the service principal, or "
            "DATABRICKS_TOKEN, or name a profile in DATABRICKS_CONFIG_PROFILE",
        )
    if "more than one authorization method" in str(error):
        return Answer(
            "there are two kinds of credentials for the workspace",
            advice="Keep DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, in the environment and "
            "in the profile (~/.databrickscfg), and unset the other",
        )
    if isinstance(error, NoCredentialsError):
        return Answer(
            "there are no AWS credentials",
            advice="Sign in to the account of the bucket (aws sso login, AWS_PROFILE) and try again",
        )
    return None


def _of_the_network(error: Exception) -> Answer | None:
    # Another server may well answer where the SDK asks for a workspace's endpoints, and then names none.
    if isinstance(error, requests.JSONDecodeError) or "Invalid URL 'None'" in str(error):
        return Answer(
            "the server that answers there is not a Databricks workspace",
            advice="Check workspace.host: the URL at which you open the workspace",
        )
    if isinstance(error, requests.RequestException | TimeoutError):
        return Answer(
            "the workspace did not answer in time",
            advice="Check workspace.host and the network in between, then deploy again; it resumes from here",
        )
    return None


def _of_a_service(error: Exception) -> Answer:
    words = words_of(error)
    if isinstance(error, PermissionDenied):
        return Answer("the workspace refused it", words, f"{ADMIN}; then deploy again")
    if isinstance(error, TooManyRequests):
        return Answer("the workspace is too busy", words, "Deploy again later; it resumes from here")
    if isinstance(error, ClientError | BotoCoreError):
        return Answer("AWS refused it", words, "Fix the cause and try again; it resumes from here")
    if isinstance(error, DatabricksError):
        return Answer("the workspace answered:", words, "Fix the cause and deploy again; it resumes from here")
    return Answer("", words)
