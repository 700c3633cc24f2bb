"""Errors in the service's format: JSON with ``error_code`` and ``message``.

Codes and statuses are those that databricks-sdk maps to its exceptions. Messages have the real service's wording where
it is published (public issue trackers of the SDKs, the CLI and the Terraform provider).
"""

from __future__ import annotations


class ApiError(Exception):
    """An error response.

    Attributes:
        status: the HTTP status.
        code: ``error_code``; a number for an invalid token, as in the real service.
        message: ``message``.
        headers: additional headers, such as ``Retry-After``.
    """

    def __init__(self, status: int, code: str | int, message: str, headers: dict[str, str] | None = None) -> None:
        """Store the parts of the response."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def invalid(message: str) -> ApiError:
    """Return the error for a well-formed value that is not valid."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def malformed(message: str) -> ApiError:
    """Return the error for a body that does not have the shape of the request."""
    return ApiError(400, "MALFORMED_REQUEST", message)


def denied(message: str) -> ApiError:
    """Return the error for a caller without the required permission."""
    return ApiError(403, "PERMISSION_DENIED", message)


def not_found(message: str, code: str = "RESOURCE_DOES_NOT_EXIST") -> ApiError:
    """Return the error for an object that does not exist."""
    return ApiError(404, code, message)


def exists(message: str, code: str = "RESOURCE_ALREADY_EXISTS") -> ApiError:
    """Return the error for an object that already exists."""
    return ApiError(400, code, message)
