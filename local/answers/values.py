"""The values of an answer's own parameters, read from the text of the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from vpc_flow_logs.answers.model import Value
from vpc_flow_logs.terminal import printable

WHOLE = re.compile(r"-?[0-9]{1,19}")
"""The form of a whole number."""

_BITS = {"INT": 31, "BIGINT": 63}

_Problems = list[str]


def _text(option: str, text: str, problems: _Problems) -> str | None:
    if not text:
        problems.append(f"{option}: needs a value")
    return text


def _direction(option: str, text: str, problems: _Problems) -> str:
    if text not in ("ingress", "egress"):
        problems.append(f"{option} {printable(text)}: must be ingress or egress")
    return text


def _address(option: str, text: str, problems: _Problems) -> str | None:
    try:
        ip_address(text)
    except ValueError:
        if text:
            problems.append(f"{option} {printable(text)}: must be an IPv4 or IPv6 address")
    return _text(option, text, problems)


def _whole(bits: int) -> Callable[[str, str, _Problems], int | None]:
    def read(option: str, text: str, problems: _Problems) -> int | None:
        # Check the form first: int() rejects text with thousands of digits.
        if WHOLE.fullmatch(text) and 0 <= int(text) < 1 << bits:
            return int(text)
        problems.append(f"{option} {printable(text)}: must be a whole number from 0 to {(1 << bits) - 1}")
        return None

    return read


def _number(option: str, text: str, problems: _Problems) -> float | None:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    problems.append(f"{option} {printable(text)}: must be a number, such as 2.5")
    return None


READERS: Mapping[str, Callable[[str, str, _Problems], Value]] = {
    "STRING": _text,
    "DOUBLE": _number,
    **{type_: _whole(bits) for type_, bits in _BITS.items()},
}
"""Reader of each type of parameter: takes the option, its text, and the list to which it adds a problem."""

NAMED_READERS: Mapping[str, Callable[[str, str, _Problems], Value]] = {"direction": _direction, "address": _address}
"""Readers of parameters with fewer values than their type."""
