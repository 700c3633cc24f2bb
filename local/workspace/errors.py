"""What the service answers when it does not do as asked: JSON with ``error_code`` and ``message``.

Codes and statuses are those that databricks-sdk maps to its exceptions; a wording is the real service's wherever one
is published (public issue trackers of the SDKs, the CLI and the Terraform provider).
"""

from __future__ import annotations


class ApiError(Exception):
    """A refusal, with all that the answer needs.

    Attributes:
        status: HTTP status.
        code: ``error_code``; a number for a token that is not valid, as the real service has it.
        message: ``message``.
        headers: further headers, such as ``Retry-After``.
    """

    def __init__(self, status: int, code: str | int, message: str, headers: dict[str, str] | None = None) -> None:
        """Keep all parts of the answer."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def invalid(message: str) -> ApiError:
    """Return the refusal of a value that is well-formed and wrong."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def malformed(message: str) -> ApiError:
    """Return the refusal of a body that has not the shape of the request."""
    return ApiError(400, "MALFORMED_REQUEST", message)


def denied(message: str) -> ApiError:
    """Return the refusal of a caller who may not do this."""
    return ApiError(403, "PERMISSION_DENIED", message)


def not_found(message: str, code: str = "RESOURCE_DOES_NOT_EXIST") -> ApiError:
    """Return the refusal for something that is not there."""
    return ApiError(404, code, message)


def exists(message: str, code: str = "RESOURCE_ALREADY_EXISTS") -> ApiError:
    """Return the refusal for something that is there already."""
    return ApiError(400, code, message)
