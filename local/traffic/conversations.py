"""The kinds of traffic in a realistic network: the parties, the protocol and size, and the recording interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLIENT: Final = 0
SERVER: Final = 1
VIA: Final = 2  # a gateway between the two
NOBODY: Final = 3

TCP: Final = 6
UDP: Final = 17
ICMP: Final = 1
ICMP_V6: Final = 58

_SCANNED = (22, 22, 22, 3389, 3389, 445, 445, 23, 23, 2323, 1433, 3306, 5900, 6379, 8080, 8443, 9200, 5060, 27017)


@dataclass(frozen=True)
class View:
    """The request of a conversation as its recording interface sees it: the party behind each address of the record.

    In the reply, source and destination are swapped and the direction is reversed. ``receiver`` is the next hop of
    egress traffic, ``sender`` that of ingress traffic. Source of the NAT and transit gateway views:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """

    recorder: int
    source: int
    destination: int
    packet_source: int
    packet_destination: int
    receiver: int
    sender: int
    egress: bool


AT_CLIENT = View(CLIENT, CLIENT, SERVER, CLIENT, SERVER, SERVER, SERVER, egress=True)
AT_CLIENT_OF_GATEWAY = View(CLIENT, CLIENT, SERVER, CLIENT, SERVER, VIA, VIA, egress=True)
# The next hop of ingress traffic from a transit gateway is not available (flow-logs-limitations.html).
AT_CLIENT_OF_TRANSIT = View(CLIENT, CLIENT, SERVER, CLIENT, SERVER, VIA, NOBODY, egress=True)
AT_SERVER = View(SERVER, CLIENT, SERVER, CLIENT, SERVER, CLIENT, CLIENT, egress=False)
AT_GATEWAY_INSIDE = View(VIA, CLIENT, VIA, CLIENT, SERVER, CLIENT, CLIENT, egress=False)
AT_GATEWAY_OUTSIDE = View(VIA, VIA, SERVER, VIA, SERVER, SERVER, SERVER, egress=True)
AT_TRANSIT_INTERFACE = View(VIA, VIA, SERVER, CLIENT, SERVER, SERVER, SERVER, egress=True)
# A regional NAT gateway shows packet-level addresses in srcaddr and dstaddr as well.
AT_REGIONAL_NAT_INSIDE = View(VIA, CLIENT, SERVER, CLIENT, SERVER, CLIENT, CLIENT, egress=False)
# Transit gateway flow logs are recorded at the attachment of one party; the attachment of the other is the pair.
AT_SOURCE_ATTACHMENT = View(CLIENT, CLIENT, SERVER, CLIENT, SERVER, SERVER, SERVER, egress=False)
AT_DESTINATION_ATTACHMENT = View(SERVER, CLIENT, SERVER, CLIENT, SERVER, CLIENT, CLIENT, egress=True)


@dataclass(frozen=True)
class Conversation:
    """One kind of traffic.

    Attributes:
        weight: its share among all kinds.
        client: the group of the client in ``Network.endpoints``.
        server: the group of the server.
        view: the view of the recording interface.
        ports: the possible ports of the server.
        via: the group of the gateway, if there is one.
        protocol: the protocol number.
        action: ACCEPT or REJECT.
        packets: the median number of packets per record.
        spread: the sigma of the log-normal distribution of packets.
        sizes: the average bytes per packet, in request and reply.
        path: the traffic-path of egress records.
        encryption: the encryption-status.
        reject_reason: the reject-reason.
        one_way: whether there is no reply.
        flags: the possible tcp-flags, if they differ from the usual ones.
        lost: the suffix of the field ``packets-lost-...`` that counts the packets.
    """

    weight: float
    client: str
    server: str
    view: View
    ports: tuple[int, ...] = (443,)
    via: str = ""
    protocol: int = TCP
    action: str = "ACCEPT"
    packets: float = 14.0
    spread: float = 1.1
    sizes: tuple[int, int] = (220, 900)
    path: int | None = None
    encryption: int | None = None
    reject_reason: str | None = None
    one_way: bool = False
    flags: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    lost: str = ""

    @property
    def tcp_flags(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The possible tcp-flags of request and reply: mostly short connections, occasionally a reset.

        The value is the sum over one interval: FIN 1, SYN 2, RST 4, SYN-ACK 18; ACK or PSH alone is 0.
        Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
        """
        if self.protocol != TCP:
            return (0,), (0,)
        if self.flags:
            return self.flags
        if self.action == "REJECT":
            return (2,), (2,)
        return (3, 3, 3, 2, 0, 0, 0, 1, 1, 7), (19, 19, 19, 18, 0, 0, 0, 1, 1, 4)


def _scan(weight: float, server: str, *, ports: tuple[int, ...] = _SCANNED, protocol: int = TCP) -> Conversation:
    client = "scanner6" if server.endswith("6") else "scanner"
    return Conversation(
        weight, client, server, AT_SERVER, ports, protocol=protocol, action="REJECT", one_way=True,
        packets=1.2, spread=0.3, sizes=(48, 48),
    )  # fmt: skip


def _refused(
    weight: float, client: str, server: str, view: View, ports: tuple[int, ...], *, reason: str | None = None
) -> Conversation:
    return Conversation(
        weight, client, server, view, ports, action="REJECT", one_way=True, packets=3, spread=0.4, sizes=(52, 52),
        path=1 if view.egress else None, reject_reason=reason,
    )  # fmt: skip


def _ping(weight: float, client: str, server: str, view: View, *, path: int) -> Conversation:
    protocol = ICMP_V6 if client.endswith("6") else ICMP
    return Conversation(
        weight, client, server, view, (0,), protocol=protocol, packets=4, spread=0.4, sizes=(84, 84), path=path
    )


_SYN = ((2,), (2,))
_TOO_LATE = ((0, 1, 4), (0,))
_DNS = {"protocol": UDP, "packets": 1.5, "spread": 0.5, "sizes": (70, 160)}

VPC_TRAFFIC: tuple[Conversation, ...] = (
    # The web shop.
    Conversation(18, "client", "web", AT_SERVER, (443, 443, 443, 80), path=8, encryption=0),
    Conversation(2, "client", "edge", AT_SERVER, path=6, encryption=0),
    Conversation(4, "client6", "web6", AT_SERVER, (443, 80), path=8, encryption=0),
    Conversation(2, "client", "balancer", AT_SERVER, path=8, encryption=0),
    Conversation(9, "web", "app", AT_CLIENT, (8080, 8443), path=1, encryption=1),
    Conversation(9, "web", "app", AT_SERVER, (8080, 8443), path=1, encryption=1),
    Conversation(2, "web6", "app6", AT_CLIENT, (8080,), path=1, encryption=1),
    Conversation(4, "web", "task", AT_SERVER, (8080,), path=1, encryption=1),
    Conversation(7, "app", "data", AT_CLIENT, (5432, 6379), path=1, encryption=1, packets=40),
    Conversation(7, "app", "data", AT_SERVER, (5432, 6379), path=1, encryption=1, packets=40),
    Conversation(3, "task", "data", AT_CLIENT, (5432,), path=1, encryption=0),
    # AWS services, through gateway endpoints and interface endpoints.
    Conversation(5, "app", "s3", AT_CLIENT, path=7, encryption=2, packets=60),
    Conversation(3, "task", "dynamodb", AT_CLIENT, path=7, encryption=2),
    Conversation(0.2, "data", "s3", AT_CLIENT, path=7, encryption=2, packets=4e6, sizes=(1400, 60)),  # backups
    Conversation(3, "app", "endpoint", AT_CLIENT, path=1, encryption=3),
    Conversation(2, "app", "endpoint", AT_SERVER, path=1),
    # Egress through the NAT gateways: the view of the instance, then both sides of the gateway.
    Conversation(4, "app", "site", AT_CLIENT_OF_GATEWAY, (443, 443, 80), "nat", path=1),
    Conversation(3, "app", "site", AT_GATEWAY_INSIDE, (443, 443, 80), "nat", path=1),
    Conversation(3, "app", "site", AT_GATEWAY_OUTSIDE, (443, 443, 80), "nat", path=8),
    Conversation(1, "task", "site", AT_REGIONAL_NAT_INSIDE, (443,), "regional-nat", path=1),
    Conversation(1, "task", "site", AT_GATEWAY_OUTSIDE, (443,), "regional-nat", path=8),
    Conversation(0.5, "app", "site", AT_CLIENT_OF_GATEWAY, (123,), "nat", UDP, packets=1, sizes=(76, 76), path=1),
    # Other VPCs and the office.
    Conversation(2, "app", "remote", AT_CLIENT_OF_TRANSIT, (443, 5432), "tgw", path=1),
    Conversation(2, "remote", "app", AT_TRANSIT_INTERFACE, (8080,), "tgw", path=1),
    Conversation(1, "app", "peered", AT_CLIENT, (443, 9092), path=4),
    Conversation(0.5, "app", "far-peered", AT_CLIENT, (443, 9092), path=5),
    Conversation(1, "office", "app", AT_SERVER, (22, 443), path=3),
    Conversation(0.7, "admin", "web", AT_SERVER, (22,), packets=120, path=8),
    # The network's own DNS servers. Queries to the Amazon DNS server are not logged.
    Conversation(4, "app", "dns", AT_CLIENT, (53,), path=1, encryption=1, **_DNS),  # type: ignore[arg-type]
    Conversation(3, "app", "dns", AT_SERVER, (53,), path=1, encryption=1, **_DNS),  # type: ignore[arg-type]
    _ping(0.8, "app", "web", AT_CLIENT, path=1),
    _ping(0.3, "client6", "web6", AT_SERVER, path=8),
    # Rejected traffic: scans, wrong security groups, packets after the end of a connection, blocked access.
    _scan(7, "web"),
    _scan(0.7, "web6", ports=(22, 3389, 8080)),
    _scan(1, "web", ports=(161, 1900, 123, 5060), protocol=UDP),
    _scan(0.4, "web", ports=(0,), protocol=ICMP),
    _refused(0.6, "web", "data", AT_SERVER, (5432, 22)),
    _refused(0.4, "web", "data", AT_CLIENT, (3306, 22)),
    Conversation(0.4, "client", "web", AT_SERVER, action="REJECT", one_way=True, packets=1, flags=_TOO_LATE),
    _refused(0.3, "client", "edge", AT_SERVER, (443,), reason="BPA"),
    _refused(0.1, "app", "endpoint", AT_SERVER, (443,), reason="EC"),
)  # fmt: skip

TRANSIT_GATEWAY_TRAFFIC: tuple[Conversation, ...] = (
    *(
        Conversation(weight, client, server, view, ports, packets=packets)
        for client, server, ports, weight, packets in (
            ("spoke-1", "spoke-2", (443, 8080), 5, 20),
            ("spoke-1", "spoke-3", (443, 5432), 3, 60),
            ("spoke-3", "spoke-2", (9092, 22), 1, 200),
        )
        for view in (AT_SOURCE_ATTACHMENT, AT_DESTINATION_ATTACHMENT)
    ),
    Conversation(2, "spoke-2", "spoke-1", AT_SOURCE_ATTACHMENT, (53,), **_DNS),  # type: ignore[arg-type]
    _ping(0.5, "spoke-1", "spoke-2", AT_SOURCE_ATTACHMENT, path=1),
    Conversation(0.5, "spoke-1", "s3", AT_SOURCE_ATTACHMENT),
    Conversation(0.3, "spoke-2", "nowhere", AT_SOURCE_ATTACHMENT, packets=3, one_way=True, flags=_SYN, lost="no-route"),
    Conversation(0.2, "spoke-3", "nowhere", AT_SOURCE_ATTACHMENT, one_way=True, flags=_SYN, lost="blackhole"),
    Conversation(0.1, "spoke-3", "spoke-1", AT_SOURCE_ATTACHMENT, packets=9, lost="mtu-exceeded"),
    Conversation(0.1, "spoke-1", "spoke-3", AT_SOURCE_ATTACHMENT, packets=2, lost="ttl-expired"),
)  # fmt: skip
