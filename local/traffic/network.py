"""A realistic network: interfaces, gateways and peers with traffic that a flow log records."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

import pyarrow as pa

from local.traffic.zones import az_id

_SECOND_ACCOUNT = "012345678901"  # a reader that parses account IDs as numbers loses the leading zero
_TEAMS = ("payments", "data platform", "Küche & Co", "50% canary", "検索")
_STAGES = ("production", "blue/green", None)


@dataclass(frozen=True)
class Endpoint:
    """A source or destination of traffic.

    ``facts`` maps field names to the values that a record has for the interface of the address. A missing field is
    ``-`` in the record. Addresses outside the network have no interface, and therefore few facts.
    """

    group: str
    address: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """A VPC with its surroundings, and a transit gateway with its spokes; create one with :meth:`seeded`."""

    account: str
    region: str
    vpc_id: str
    transit_gateway_id: str
    endpoints: tuple[Endpoint, ...]

    @classmethod
    def seeded(
        cls,
        seed: int = 0,
        *,
        account: str = "123456789012",
        region: str = "us-east-1",
        vpc_id: str | None = None,
        subnet_id: str | None = None,
        interface_id: str | None = None,
        transit_gateway_id: str | None = None,
        attachment_id: str | None = None,
        regional_nat_id: str | None = None,
    ) -> Network:
        """Return the network for a seed; equal arguments give equal networks.

        IDs in the arguments replace generated ones (of the first public subnet, the first web server's interface, the
        first spoke's attachment), so that the network has traffic for a flow log of an existing resource.
        """
        given = {"subnet": subnet_id, "eni": interface_id, "tgw-attach": attachment_id, "nat": regional_nat_id}
        builder = _Builder(random.Random(f"network {seed}"), account=account, region=region, given=given)
        builder.vpc_id = vpc_id or builder.new_id("vpc")
        builder.transit_gateway_id = transit_gateway_id or builder.new_id("tgw")
        endpoints = tuple(builder.endpoints())
        return cls(account, region, builder.vpc_id, builder.transit_gateway_id, endpoints)

    def indices(self, group: str, *, target: str | None = None) -> tuple[int, ...]:
        """Return the indices in ``endpoints`` of a group's members; with a target, only those of that resource."""
        members = self._groups.get(group, ())
        if target is None:
            return members
        return tuple(place for place in members if target in self.endpoints[place].facts.values())

    def facts_of(self, what: str) -> pa.StringArray:
        """Return a fact, the ``address`` or the ``type`` (IPv4 or IPv6) of each endpoint, and a final null."""
        if what not in self._values:
            if what == "address":
                values: list[str | None] = [endpoint.address for endpoint in self.endpoints]
            elif what == "type":
                values = ["IPv6" if ":" in endpoint.address else "IPv4" for endpoint in self.endpoints]
            else:
                values = [endpoint.facts.get(what) for endpoint in self.endpoints]
            self._values[what] = pa.array([*values, None], pa.string())
        return self._values[what]

    @cached_property
    def _values(self) -> dict[str, pa.StringArray]:
        return {}

    @cached_property
    def _groups(self) -> dict[str, tuple[int, ...]]:
        groups: dict[str, list[int]] = {}
        for place, endpoint in enumerate(self.endpoints):
            groups.setdefault(endpoint.group, []).append(place)
        return {group: tuple(places) for group, places in groups.items()}


class _Builder:
    """Builder of the endpoints, group by group. The network of a seed depends on the order of the steps."""

    vpc_id: str
    transit_gateway_id: str

    def __init__(self, rng: random.Random, *, account: str, region: str, given: Mapping[str, str | None]) -> None:
        self.rng = rng
        self.account = account
        self.region = region
        self.given = {kind: id_ for kind, id_ in given.items() if id_}

    def new_id(self, kind: str) -> str:
        """Return a given ID for the first resource of a kind, or else a new one: the kind and 17 hexadecimal digits."""
        return self.given.pop(kind, None) or f"{kind}-0{self.rng.getrandbits(64):016x}"

    def endpoints(self) -> Iterator[Endpoint]:
        public = [self.subnet(number) for number in (1, 2)]
        private = [self.subnet(number) for number in (3, 4)]
        yield from self.servers(public, private)
        yield from self.tasks(private)
        yield from self.local_zone()
        yield from self.managed(public, private)
        yield from self.surroundings()
        yield from self.internet()
        yield from self.spokes()

    def subnet(self, number: int) -> dict[str, str]:
        zone = az_id(self.region, 1 + (number - 1) % 2)
        return {"vpc-id": self.vpc_id, "subnet-id": self.new_id("subnet"), "az-id": zone, "#": str(number)}

    def interface(self, subnet: Mapping[str, str], **facts: str | None) -> dict[str, str]:
        """Return the facts about a new interface. ``_`` in a name becomes ``-``; ``None`` removes a fact."""
        known = {"account-id": self.account, "interface-id": self.new_id("eni"), **subnet}
        changed = {name.replace("_", "-"): value for name, value in facts.items()}
        return {name: value for name, value in {**known, **changed}.items() if value is not None and name != "#"}

    def instance(self, subnet: Mapping[str, str]) -> dict[str, str]:
        """Return an instance's interface, with values of two tags for instance, interface and Auto Scaling group."""
        team, stage = self.rng.choice(_TEAMS), self.rng.choice(_STAGES)
        tags = {"instance_tag": team, "interface_tag": f"{team} eth0", "asg_tag": stage}
        tags |= {"instance_tag_2": stage, "interface_tag_2": stage, "asg_tag_2": stage and "scale out at 60%"}
        # Tag values are percent-encoded: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
        encoded = {name: value and quote(value, safe="") for name, value in tags.items()}
        return self.interface(subnet, instance_id=self.new_id("i"), **encoded)

    def servers(self, public: list[dict[str, str]], private: list[dict[str, str]]) -> Iterator[Endpoint]:
        for group, count, subnets in (("web", 8, public), ("app", 12, private), ("data", 4, private)):
            for place in range(count):
                subnet = subnets[place % len(subnets)]
                facts, host = self.instance(subnet), {"web": 20, "app": 60, "data": 120}[group] + place
                yield Endpoint(group, f"10.0.{subnet['#']}.{host}", facts)
                if group != "data":
                    yield Endpoint(f"{group}6", f"2001:db8:1234:a10{subnet['#']}::{host:x}", facts)
        for subnet in private:
            yield Endpoint("dns", f"10.0.{subnet['#']}.10", self.instance(subnet))

    def tasks(self, private: list[dict[str, str]]) -> Iterator[Endpoint]:
        """Yield ECS tasks in awsvpc mode. Half run on Fargate, without a container instance."""
        arn, cluster = f"arn:aws:ecs:{self.region}:{self.account}", "shop"
        for place in range(8):
            subnet = private[place % 2]
            task, instance = self.hex(32), self.hex(32) if place % 2 else None
            facts = self.interface(
                subnet,
                ecs_cluster_arn=f"{arn}:cluster/{cluster}",
                ecs_cluster_name=cluster,
                ecs_container_instance_arn=instance and f"{arn}:container-instance/{cluster}/{instance}",
                ecs_container_instance_id=instance,
                ecs_container_id=self.hex(64) if instance else f"{task}-{self.rng.getrandbits(32)}",
                ecs_second_container_id=self.hex(64) if place % 4 == 3 else None,
                ecs_service_name="checkout" if place < 6 else None,
                ecs_task_definition_arn=f"{arn}:task-definition/checkout:{3 + place % 2}",
                ecs_task_arn=f"{arn}:task/{cluster}/{task}",
                ecs_task_id=task,
            )
            yield Endpoint("task", f"10.0.{subnet['#']}.{160 + place}", facts)

    def hex(self, digits: int) -> str:
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def local_zone(self) -> Iterator[Endpoint]:
        """Yield instances in a Local Zone, which is a sublocation and has no az-id."""
        subnet = self.subnet(9)
        del subnet["az-id"]
        for host in (11, 12):
            facts = self.instance(subnet)
            facts |= {"sublocation-type": "localzone", "sublocation-id": f"{self.region}-bos-1a"}
            yield Endpoint("edge", f"10.0.9.{host}", facts)

    def managed(self, public: list[dict[str, str]], private: list[dict[str, str]]) -> Iterator[Endpoint]:
        """Yield interfaces of AWS services, without an instance; for some, the account is unknown."""
        for subnet in public:
            yield Endpoint("nat", f"10.0.{subnet['#']}.220", self.interface(subnet, interface_type="nat_gateway"))
            facts = self.interface(subnet, interface_type="network_load_balancer", account_id="unknown")
            yield Endpoint("balancer", f"10.0.{subnet['#']}.200", facts)
        for subnet in private:
            facts = self.interface(subnet, interface_type="vpc_endpoint", account_id="unknown")
            yield Endpoint("endpoint", f"10.0.{subnet['#']}.230", facts)
            yield Endpoint("tgw", f"10.0.{subnet['#']}.240", self.interface(subnet, interface_type="transit_gateway"))
        regional = {"account-id": self.account, "vpc-id": self.vpc_id, "resource-id": self.new_id("nat")}
        yield Endpoint("regional-nat", "203.0.113.250", regional | {"interface-type": "regional_nat_gateway"})

    def surroundings(self) -> Iterator[Endpoint]:
        """Yield hosts of other VPCs and an office. Flow logs of this VPC have no facts about their interfaces."""
        for host in range(30):
            yield Endpoint("remote", f"10.40.{host % 4}.{20 + host}")
            yield Endpoint("peered", f"10.50.{host % 4}.{20 + host}")
            yield Endpoint("far-peered", f"10.60.{host % 4}.{20 + host}")
            yield Endpoint("office", f"192.168.{host % 6}.{50 + host}")

    def internet(self) -> Iterator[Endpoint]:
        """Yield internet hosts, in ranges reserved for documentation and benchmarks (RFC 5737, 2544, 3849).

        Only AWS services have real addresses, as in AWS's example records.
        """
        benchmark = int(ipaddress.IPv4Address("198.18.0.0"))
        for place in sorted(self.rng.sample(range(1 << 17), 4000)):
            service = {0: "EC2", 1: "AMAZON", 2: "CLOUDFRONT"}.get(self.rng.randrange(30))
            facts = {"aws-service": service} if service else {}
            group = "site" if place % 10 == 0 else "client"
            yield Endpoint(group, str(ipaddress.IPv4Address(benchmark + place)), facts)
        for host in self.rng.sample(range(1, 255), 200):
            yield Endpoint("scanner", f"198.51.100.{host}")
        for host in self.rng.sample(range(1, 200), 40):
            yield Endpoint("admin", f"203.0.113.{host}")
            yield Endpoint("s3", f"52.95.128.{host}", {"aws-service": "S3"})
            yield Endpoint("dynamodb", f"52.94.8.{host}", {"aws-service": "DYNAMODB"})
        for _ in range(600):
            prefix = "2001:db8:ffff" if self.rng.random() < 0.2 else "2001:db8:4000"
            address = f"{prefix}:{self.rng.getrandbits(16):x}:" + ":".join(
                f"{1 + self.rng.getrandbits(15):x}" for _ in range(4)
            )
            yield Endpoint("scanner6" if ":ffff:" in address else "client6", str(ipaddress.IPv6Address(address)))

    def spokes(self) -> Iterator[Endpoint]:
        """Yield hosts of three VPCs at the transit gateway, one in another account, and unreachable addresses."""
        for number in (1, 2, 3):
            account = _SECOND_ACCOUNT if number == 3 else self.account
            facts = {
                "account-id": self.account,  # the transit gateway's owner
                "tgw-id": self.transit_gateway_id,
                "tgw-attachment-id": self.new_id("tgw-attach"),
                "tgw-vpc-account-id": account,
                "tgw-vpc-id": self.new_id("vpc"),
            }
            for zone in (1, 2):
                attached = {"tgw-subnet-id": self.new_id("subnet"), "tgw-eni": self.new_id("eni")}
                attached["tgw-az-id"] = az_id(self.region, zone)
                for host in range(12):
                    yield Endpoint(f"spoke-{number}", f"10.{70 + number}.{zone}.{10 + host}", facts | attached)
        for host in range(20):
            yield Endpoint("nowhere", f"10.99.0.{10 + host}")
