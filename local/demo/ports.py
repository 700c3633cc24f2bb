"""Readable names of well-known ports and of protocols."""

from __future__ import annotations

from vpc_flow_logs.answers.services import PORTS, PROTOCOLS


def protocol_name(number: int) -> str:
    """Return the name of a protocol, or its number if it has none here."""
    return PROTOCOLS.get(number, str(number))


def port_name(port: int) -> str:
    """Return the service that usually listens on a port; empty if there is no well-known one.

    >>> port_name(22), port_name(40000)
    ('ssh', '')
    """
    return PORTS.get(port, "")
