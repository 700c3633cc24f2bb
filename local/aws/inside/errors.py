"""Why something is not done."""

from __future__ import annotations


class NotDone(Exception):
    """AWS would refuse it; the message is the one that AWS gives."""


class Denied(NotDone):
    """A policy does not allow it."""
