"""The AWS side: clients with the credentials that boto3 finds in this process, and refusals in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from local.cloud_files.error import CloudFilesError

DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationError",
    "AuthorizationErrorException",
    "403",
}
_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}

_SETUP = "CF_EVENT_NOTIFICATION_SETUP_FAILED"


@lru_cache
def client(service: str, region: str | None) -> Any:
    """A boto3 client of this process.

    Args:
        service: ``s3``, ``sns`` or ``sqs``.
        region: None for what the environment says.

    Raises:
        CloudFilesError: when the environment names no region either.
    """
    # A queue is asked for messages with up to a second of waiting; what takes much longer hangs.
    config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
    try:
        return boto3.session.Session().client(service, region_name=region, config=config)
    except NoRegionError:
        raise CloudFilesError(
            f"no region for {service}: set cloudFiles.region, or AWS_REGION in the environment"
        ) from None


@contextmanager
def calling(action: str, resource: str, *, setup: bool = False) -> Iterator[None]:
    """Say in words what a call in this block was refused for.

    Args:
        action: what IAM calls it, such as ``s3:ListBucket``.
        resource: the ARN that it is made on, or what names it best.
        setup: whether the call is one of making topic, queue and notification, whose errors have a class of their own.

    Raises:
        CloudFilesError: for every error of the call.
    """
    try:
        yield
    except ClientError as error:
        reason, text = _explained(error, action, resource)
    except (NoCredentialsError, PartialCredentialsError) as error:
        text = (
            f"{action} on {resource}: {error}; the process needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a role"
        )
        reason = "INVALID_CONFIGURATION"
    except (BotoCoreError, HTTPClientError) as error:
        reason, text = "OTHER", f"{action} on {resource}: {error}"
    else:
        return
    # Without `from None` Python shows the service's error as well, and first.
    raise (setup_failed(reason, text) if setup else CloudFilesError(text)) from None


def setup_failed(reason: str, text: str) -> CloudFilesError:
    """The error of a set-up that did not succeed, in Auto Loader's words.

    Source: https://docs.databricks.com/aws/en/error-messages/cf-event-notification-setup-failed-error-class
    """
    # Without "Please verify …", for what follows says which; messages of failed runs are cut after some lines.
    class_text = {
        "PERMISSION_DENIED": "Permission denied while setting up event notification resources for Auto Loader.",
        "INVALID_CONFIGURATION": "Invalid configuration parameter for event notification setup.",
        "OTHER": "Please check your cloud provider configuration.",
    }[reason]
    return CloudFilesError(
        f"[{_SETUP}.{reason}] Failed to set up file notification resources for Auto Loader. {class_text} {text}."
        " SQLSTATE: 22000"
    )


def code(error: ClientError) -> str:
    """The service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _explained(error: ClientError, action: str, resource: str) -> tuple[str, str]:
    said = str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
    name = code(error)
    if name in DENIED:
        return "PERMISSION_DENIED", f"{action} on {resource} is denied ({name}: {said}); allow it in the role's policy"
    if name in _CREDENTIALS:
        return "PERMISSION_DENIED", f"{action} on {resource}: the credentials are not accepted ({name}: {said})"
    if name == "NoSuchBucket":
        return "INVALID_CONFIGURATION", f"{action} on {resource}: there is no such bucket; check the load path"
    reason = "INVALID_CONFIGURATION" if name.startswith(("Invalid", "Validation")) else "OTHER"
    return reason, f"{action} on {resource} failed ({name}: {said})"
