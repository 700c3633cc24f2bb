"""The AWS side: clients with the credentials that boto3 finds in this process, and readable errors."""

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
    """Return a boto3 client, shared in this process.

    Args:
        service: ``s3``, ``sns`` or ``sqs``.
        region: None for the region of the environment.

    Raises:
        CloudFilesError: the environment does not set a region either.
    """
    # A request for messages waits up to a second, so a call that takes much longer hangs.
    config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
    try:
        return boto3.session.Session().client(service, region_name=region, config=config)
    except NoRegionError:
        raise CloudFilesError(
            f"no region for {service}; set cloudFiles.region, or AWS_REGION in the environment"
        ) from None


@contextmanager
def calling(action: str, resource: str, *, setup: bool = False) -> Iterator[None]:
    """Translate the error of a call in this block into a readable message.

    Args:
        action: the IAM action, such as ``s3:ListBucket``.
        resource: the ARN of the resource, or the best name for it.
        setup: whether the call sets up topic, queue or notification. These errors have their own class.

    Raises:
        CloudFilesError: the call failed.
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
    # Without `from None`, Python also shows the service's error, and shows it first.
    raise (setup_failed(reason, text) if setup else CloudFilesError(text)) from None


def setup_failed(reason: str, text: str) -> CloudFilesError:
    """Return the error of a failed setup, worded as in Auto Loader.

    Source: https://docs.databricks.com/aws/en/error-messages/cf-event-notification-setup-failed-error-class
    """
    # Omits "Please verify …" because the text that follows is specific, and messages of failed runs are truncated.
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
    """Return the service's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _explained(error: ClientError, action: str, resource: str) -> tuple[str, str]:
    message = str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
    name = code(error)
    if name in DENIED:
        return (
            "PERMISSION_DENIED",
            f"{action} on {resource} is denied ({name}: {message}); allow it in the role's policy",
        )
    if name in _CREDENTIALS:
        return "PERMISSION_DENIED", f"{action} on {resource}: AWS rejected the credentials ({name}: {message})"
    if name == "NoSuchBucket":
        return "INVALID_CONFIGURATION", f"{action} on {resource}: the bucket does not exist; check the load path"
    reason = "INVALID_CONFIGURATION" if name.startswith(("Invalid", "Validation")) else "OTHER"
    return reason, f"{action} on {resource} failed ({name}: {message})"
