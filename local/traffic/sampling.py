"""Random flows of a network: the kind of conversation, the parties, the times and the counters of each record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from local.traffic.conversations import CLIENT, ICMP, ICMP_V6, NOBODY, SERVER, VIA, Conversation
from local.traffic.network import Network

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float32]

OK, NODATA, SKIPDATA = 0, 1, 2
_NODATA_SHARE, _SKIPDATA_SHARE = 0.01, 0.001
_LOT = 1 << 13  # number of tickets in the lottery of kinds, which needs one lookup per record instead of a search


@dataclass(frozen=True)
class Flows:
    """Columns of drawn values, with one element per record.

    An endpoint is its index in ``Network.endpoints``, or -1 for none. ``case`` is twice the conversation's index in
    ``kinds``, plus 1 for a reply.
    """

    network: Network
    kinds: Sequence[Conversation]
    case: Ints
    parties: tuple[Ints, Ints, Ints, Ints]  # client, server, via, nobody
    service_port: Ints
    client_port: Ints
    tcp_flags: Ints  # -1 for an invalid combination
    packets: Ints
    bytes: Ints
    start: Ints
    end: Ints
    status: Ints

    def by_case(self, value: Callable[[Conversation, bool], Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return ``value(kind, is_reply)`` for the case of each record."""
        return _table(self.kinds, value, dtype)[self.case]

    def party(self, role: Callable[[Conversation, bool], int]) -> Ints:
        """Return the endpoint of each record that has the role (``CLIENT``, ``SERVER``, ``VIA`` or ``NOBODY``)."""
        roles = self.by_case(role, np.int8)
        return np.asarray(np.choose(roles, self.parties))


class _Pools:
    """Lists of numbers, one list per case, in one array, so that one indexing operation draws for all cases."""

    def __init__(self, pools: Sequence[Sequence[int]]) -> None:
        filled = [pool or (-1,) for pool in pools]
        self.flat = np.array([number for pool in filled for number in pool], dtype=np.int32)
        self.length = np.array([len(pool) for pool in filled], dtype=np.float32)
        self.first = np.cumsum([0, *(len(pool) for pool in filled[:-1])]).astype(np.int32)

    def draw(self, case: Ints, chance: Floats) -> Ints:
        """Draw one number per record from its case's list; ``chance`` is in [0, 1)."""
        # The minimum is needed because float32 can round the product up to the length.
        length = self.length[case]
        place = np.minimum(chance * length, length - 1).astype(np.int32)
        return np.asarray(self.flat[self.first[case] + place])


def draw(
    network: Network,
    kinds: Sequence[Conversation],
    *,
    start: int,
    seconds: int,
    count: int,
    seed: int,
    aggregation_seconds: int,
    target: str | None,
) -> Flows:
    """Draw flows that the target's interfaces record; see ``records`` for the arguments.

    The order of the draws is fixed and does not depend on the fields, so that a seed gives the same flows in every
    format with the same kinds.

    Raises:
        ValueError: the interface is not in the network.
    """
    kinds = [kind for kind in kinds if _recorders(network, kind, target)]
    if not kinds:
        raise ValueError(f"the network has no interface of resource {target} with such traffic")
    rng = np.random.Generator(np.random.SFC64(seed))

    def chance() -> Floats:
        return rng.random(count, dtype=np.float32)

    case = _lottery(kinds)[rng.integers(0, _LOT, count, dtype=np.uint16)]
    parties = tuple(
        # Squared, so that a few clients cause most of the traffic.
        _Pools(_members(network, kinds, role, target)).draw(case, chance() ** 2 if role == CLIENT else chance())
        for role in (CLIENT, SERVER, VIA)
    )
    ports = _Pools([kind.ports for kind in kinds for _ in range(2)])
    flags = _Pools([flags for kind in kinds for flags in kind.tcp_flags])
    service_port, client_port = ports.draw(case, chance()), (32768 + chance() * 28231).astype(np.int32)
    tcp_flags, status = flags.draw(case, chance()), np.zeros(count, dtype=np.int8)
    odd = chance()
    status[odd < _NODATA_SHARE] = NODATA
    status[odd < _SKIPDATA_SHARE] = SKIPDATA
    tcp_flags[odd > 0.998] = -1

    spread = _table(kinds, lambda kind, _: kind.spread, np.float32)[case]
    median = _table(kinds, lambda kind, _: np.log(kind.packets), np.float32)[case]
    packets = np.exp(median + spread * rng.standard_normal(count, dtype=np.float32)).astype(np.int64)
    np.maximum(packets, 1, out=packets)
    size = _table(kinds, lambda kind, reply: kind.sizes[reply], np.float32)[case] * (0.75 + 0.5 * chance())
    bytes_ = packets * np.maximum(size, 40).astype(np.int64)

    end = start + np.minimum(chance() * seconds, seconds - 1).astype(np.int64)
    duration = (chance() * (aggregation_seconds - 1)).astype(np.int64)
    duration[status != OK] = aggregation_seconds - 2  # AWS's examples of NODATA and SKIPDATA last 58 of 60 seconds
    return Flows(
        network, kinds, case, (*parties, np.full(count, -1, dtype=np.int32)), service_port, client_port,  # type: ignore[arg-type]
        tcp_flags, packets, bytes_, end - duration, end, status,
    )  # fmt: skip


def is_ping(kind: Conversation) -> bool:
    """Return whether the conversation is ICMP, which has no ports."""
    return kind.protocol in (ICMP, ICMP_V6)


def _table(
    kinds: Sequence[Conversation], value: Callable[[Conversation, bool], Any], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    return np.array([value(kind, reply) for kind in kinds for reply in (False, True)], dtype=dtype)


def _recorders(network: Network, kind: Conversation, target: str | None) -> tuple[int, ...]:
    group = {CLIENT: kind.client, SERVER: kind.server, VIA: kind.via}[kind.view.recorder]
    return network.indices(group, target=target)


def _members(network: Network, kinds: Sequence[Conversation], role: int, target: str | None) -> list[tuple[int, ...]]:
    """Return the possible endpoints of the role for each case; only the recording one must belong to the target."""
    members = []
    for kind in kinds:
        group = {CLIENT: kind.client, SERVER: kind.server, VIA: kind.via, NOBODY: ""}[role]
        chosen = _recorders(network, kind, target) if kind.view.recorder == role else network.indices(group)
        members += [chosen, chosen]
    return members


def _lottery(kinds: Sequence[Conversation]) -> Ints:
    """Return the tickets: each case appears in proportion to its weight, and at least once."""
    weights = np.array([kind.weight for kind in kinds])
    tickets = np.maximum(1, np.round(weights / weights.sum() * (_LOT - 2 * len(kinds)) / 2)).astype(np.int64)
    cases = np.concatenate(
        [np.repeat([2 * place, 2 * place + (not kind.one_way)], tickets[place]) for place, kind in enumerate(kinds)]
    )
    return np.resize(cases, _LOT).astype(np.uint8)
