"""What the keys of one ``[[flow_logs]]`` table may not be together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.environment.names import ENVIRONMENT_TAG
from infra.environment.problems import Problem
from infra.environment.schema import FlowLog
from vpc_flow_logs.fields import BY_NAME

TARGETS = ("vpc", "subnet", "network_interface", "transit_gateway")
"""The keys that say whose traffic is recorded."""

MOST_TAGS = 50
"""Tags that AWS takes for one resource."""

_TAG_KEYS = {"instance": "instance-tag", "interface": "interface-tag", "asg": "asg-tag"}


def flow_log_problems(flow_log: FlowLog, *, place: str, wrong: Sequence[str]) -> list[Problem]:
    """The problems of one table; keys in ``wrong`` have problems of their own and are not looked at."""
    bad = {key.removeprefix(f"{place}.").split("[")[0].split(".")[0] for key in wrong if key.startswith(f"{place}.")}
    if bad & set(TARGETS):
        return []
    found = list(_target(flow_log, place))
    if found:
        return found
    if flow_log.transit_gateway:
        found += _transit_gateway(flow_log, place, bad)
    if "tags" not in bad:
        found += _own_tags(flow_log, place)
    if "fields" not in bad:
        found += _fields(flow_log, place)
        if "tag_keys" not in bad:
            found += _tags(flow_log, place)
    return found


def _target(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    given = [name for name in TARGETS if getattr(flow_log, name)]
    if not given:
        yield Problem(place, f"has no target: exactly one of {', '.join(TARGETS)} is needed")
    if len(given) > 1:
        yield Problem(
            place,
            f"has {len(given)} targets ({', '.join(given)}): exactly one of {', '.join(TARGETS)} is needed; make it "
            f"{len(given)} tables",
        )


def _transit_gateway(flow_log: FlowLog, place: str, bad: set[str]) -> Iterator[Problem]:
    if "traffic" not in bad and flow_log.traffic is not None:
        yield Problem(f"{place}.traffic", f'"{flow_log.traffic}" is not for a transit gateway: leave the key out')
    if "aggregation_seconds" not in bad and flow_log.aggregation_seconds == 600:
        yield Problem(f"{place}.aggregation_seconds", "600 is not for a transit gateway, which has 60 only")


def _own_tags(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    if ENVIRONMENT_TAG in flow_log.tags:
        yield Problem(f"{place}.tags.{ENVIRONMENT_TAG}", "is the stack's own tag on all that it makes: leave it out")
    elif len(flow_log.tags) >= MOST_TAGS:
        count = len(flow_log.tags)
        yield Problem(f"{place}.tags", f"has {count} tags; at most {MOST_TAGS - 1} are allowed beside the stack's own")


def _fields(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    seen: set[str] = set()
    kind, other = ("transit gateway", "vpc") if flow_log.transit_gateway else ("VPC", "tgw")
    for number, name in enumerate(flow_log.fields or (), 1):
        key = f"{place}.fields[{number}]"
        if name in seen:
            yield Problem(key, f'"{name}" is there twice')
        seen.add(name)
        if BY_NAME[name].scope == other:
            yield Problem(key, f'"{name}" is not a field of a {kind} flow log')


def _tags(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    """Each tag field needs its tag key, and each tag key its field."""
    fields = flow_log.fields or ()
    for kind, field in _TAG_KEYS.items():
        key = f"{place}.tag_keys.{kind}"
        keys = getattr(flow_log.tag_keys, kind)
        count = len(keys)
        if len(set(keys)) < count:
            yield Problem(key, f'has "{keys[0]}" twice')
        for number, name in enumerate((field, f"{field}-2"), 1):
            if name in fields and count < number:
                yield Problem(key, f'has {count} of the {number} tag keys that the field "{name}" needs')
            if name not in fields and count >= number:
                yield Problem(key, f'has tag key {number}, which is shown by the field "{name}" only: add it to fields')
