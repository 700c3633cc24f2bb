"""Errors of the additions to MiniStack."""

from __future__ import annotations


class NotDone(Exception):
    """AWS would refuse the request; the message is that of AWS."""


class Denied(NotDone):
    """A policy does not allow the request."""
