"""SQL expressions for IP addresses: their bits as hexadecimal digits, and their class.

Source of the ranges: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

from ipaddress import ip_network

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
    before, after = (_groups(f"split_part({address}, '::', {part})") for part in (1, 2))
    zeros = f"repeat('0', 32 - length({before}) - length({after}))"
    digits = f"upper(concat({before}, IF({address} LIKE '%::%', {zeros}, ''), {after}))"
    return (
        f"CASE WHEN {address} LIKE '%:%' THEN nullif(regexp_extract({digits}, '^[0-9A-F]{{32}}$', 0), '') "
        f"WHEN {address} LIKE '%.%' THEN {_ipv4(address)} END"
    )


def class_of(digits: str) -> str:
    """Return the SQL expression for the class of an address: public, private or special.

    Args:
        digits: A SQL expression for the bits of the address, as from `hex_of`.
    """
    cases = {8: "", 32: ""}
    for text, name in RANGES:
        network = ip_network(text)
        length = network.max_prefixlen // 4
        low, high = (f"{int(end):0{length}X}" for end in (network.network_address, network.broadcast_address))
        is_rest = network.prefixlen == 0
        cases[length] += f" ELSE '{name}'" if is_rest else f" WHEN d BETWEEN '{low}' AND '{high}' THEN '{name}'"
    versions = " ".join(f"WHEN {length} THEN CASE{case} END" for length, case in cases.items())
    # The lambda names the digits, so that Spark computes them once and not for each range.
    return f"element_at(transform(array({digits}), d -> CASE length(d) {versions} END), 1)"


def _ipv4(address: str) -> str:
    parts = (f"lpad(hex(try_cast(split_part({address}, '.', {part}) AS INT)), 2, '0')" for part in (1, 2, 3, 4))
    return f"concat({', '.join(parts)})"


def _groups(text: str) -> str:
    """Return the SQL expression for the digits of IPv6 groups."""
    return f"array_join(transform(filter(split({text}, ':'), g -> g <> ''), g -> lpad(g, 4, '0')), '')"
