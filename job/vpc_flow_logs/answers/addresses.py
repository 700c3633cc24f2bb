"""SQL expressions for IP addresses: their bits as hexadecimal digits, and their class.

Source of the ranges: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Final

PUBLIC, PRIVATE, SPECIAL = "public", "private", "special"

RANGES: tuple[tuple[str, str], ...] = (
    ("10.0.0.0/8", PRIVATE),
    ("172.16.0.0/12", PRIVATE),
    ("192.168.0.0/16", PRIVATE),
    ("100.64.0.0/10", PRIVATE),  # shared address space, which VPCs use for pods and carriers for their customers
    ("0.0.0.0/8", SPECIAL),
    ("127.0.0.0/8", SPECIAL),
    ("169.254.0.0/16", SPECIAL),
    ("192.0.0.0/24", SPECIAL),
    ("192.88.99.0/24", SPECIAL),
    ("224.0.0.0/3", SPECIAL),  # multicast, reserved, and the broadcast address
    ("0.0.0.0/0", PUBLIC),
    ("fc00::/7", PRIVATE),
    ("64:ff9b:1::/48", PRIVATE),
    ("64:ff9b::/96", PUBLIC),
    ("2001::/23", SPECIAL),
    ("2002::/16", SPECIAL),
    ("2000::/3", PUBLIC),
    ("::/0", SPECIAL),
)
"""The class of each range; the first range that contains an address decides.

The ranges for documentation and benchmarks count as public, because examples use them for hosts on the internet.
"""


def hex_of(address: str) -> str:
    """Return the SQL expression for the bits of an address: 8 hexadecimal digits for IPv4, 32 for IPv6.

    For addresses of one version, the digits sort in the order of the addresses. NULL if the text is not an address, or
    if its last part is an IPv4 address (``::ffff:10.0.0.1``), which AWS does not write.

    Args:
        address: A SQL expression of type STRING.
    """
    return f"CASE WHEN {address} LIKE '%:%' THEN {_ipv6(address)} WHEN {_is_ipv4(address)} THEN {_ipv4(address)} END"


def class_of(address: str) -> str:
    """Return the SQL expression for the class of an address: public, private or special; NULL if it is not an address.

    Args:
        address: A SQL expression of type STRING.
    """
    ipv4 = " ".join(f"WHEN {' OR '.join(_ipv4_starts(address, name))} THEN '{name}'" for name in (PRIVATE, SPECIAL))
    return (
        f"CASE WHEN {address} LIKE '%:%' THEN {_ipv6_class(address)} "
        f"WHEN {_is_ipv4(address)} THEN CASE {ipv4} ELSE '{PUBLIC}' END END"
    )


FUNCTIONS: Final[Mapping[str, Callable[[str], str]]] = {"address_digits": hex_of, "address_class": class_of}
"""Functions that the SQL of an answer can call for a column, such as ``address_class(dstaddr)``.

An answer that groups its records calls them after grouping, because then they are computed for fewer rows than the
columns of `TABLE_all_fields` with the same values.
"""

_CALL = re.compile(rf"\b({'|'.join(FUNCTIONS)})\(([\w.]+)\)")


def expanded(sql: str) -> str:
    """Return a query with an expression for each call of one of the `FUNCTIONS`."""
    return _CALL.sub(lambda call: f"({FUNCTIONS[call[1]](call[2])})", sql)


def _is_ipv4(address: str) -> str:
    byte = "(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"  # a third faster than a group that repeats
    return f"regexp_like({address}, '^{'[.]'.join([byte] * 4)}$')"


def _ipv4_starts(address: str, name: str) -> Iterator[str]:
    """Yield the conditions for the IPv4 ranges of a class, which compare the first bytes as text.

    Text is faster than numbers: most records have IPv4 addresses, and many answers read the class of each.
    """
    starts: dict[int, list[str]] = {}
    for text, other in RANGES:
        network = ip_network(text)
        if other == name and network.version == 4:
            size = -(-network.prefixlen // 8)
            for part in network.subnets(new_prefix=8 * size):
                start = "".join(f"{byte}." for byte in part.network_address.packed[:size])
                starts.setdefault(len(start), []).append(f"'{start}'")
    for length, texts in sorted(starts.items()):
        yield f"left({address}, {length}) IN ({', '.join(texts)})"


def _ipv6_class(address: str) -> str:
    case = ""
    for text, name in RANGES:
        network = ip_network(text)
        if network.version == 6:
            low, high = (f"{int(end):032X}" for end in (network.network_address, network.broadcast_address))
            case += f" WHEN d BETWEEN '{low}' AND '{high}' THEN '{name}'"
    # The lambda names the digits, so that Spark computes them once and not for each range.
    return f"element_at(transform(array({_ipv6(address)}), d -> CASE{case} END), 1)"


def _ipv4(address: str) -> str:
    """Return the SQL expression for the digits. `substring_index` is several times faster than `split_part`."""
    first, last = (f"substring_index({address}, '.', {count})" for count in (2, -2))
    halves = [f"substring_index({half}, '.', {count})" for half in (first, last) for count in (1, -1)]
    number = " + ".join(
        f"try_cast({byte} AS BIGINT) * {256**power}" for byte, power in zip(halves, (3, 2, 1, 0), strict=True)
    )
    return f"lpad(hex({number}), 8, '0')"


def _ipv6(address: str) -> str:
    before, after = (_groups(f"split_part({address}, '::', {part})") for part in (1, 2))
    zeros = f"repeat('0', 32 - length({before}) - length({after}))"
    digits = f"upper(concat({before}, IF({address} LIKE '%::%', {zeros}, ''), {after}))"
    return f"nullif(regexp_extract({digits}, '^[0-9A-F]{{32}}$', 0), '')"


def _groups(text: str) -> str:
    """Return the SQL expression for the digits of IPv6 groups."""
    return f"array_join(transform(filter(split({text}, ':'), g -> g <> ''), g -> lpad(g, 4, '0')), '')"
