"""Errors of the additions to MiniStack."""

from __future__ import annotations


class RequestRejected(Exception):
    """AWS would reject the request; the message is the one that AWS returns."""


class Denied(RequestRejected):
    """A policy does not allow the request."""
