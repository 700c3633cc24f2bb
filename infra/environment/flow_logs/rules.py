"""Rules across the keys of one ``[[flow_logs]]`` table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.environment.names import ENVIRONMENT_TAG
from infra.environment.problems import Problem
from infra.environment.schema import FlowLog
from vpc_flow_logs.fields import BY_NAME

TARGETS = ("vpc", "subnet", "network_interface", "transit_gateway")
"""The keys that select the traffic to record."""

MOST_TAGS = 50
"""Maximum number of tags that AWS allows on one resource."""

_TAG_KEYS = {"instance": "instance-tag", "interface": "interface-tag", "asg": "asg-tag"}


def flow_log_problems(flow_log: FlowLog, *, place: str, wrong: Sequence[str]) -> list[Problem]:
    """Return the problems of one table. Keys in ``wrong`` already have a problem and are skipped."""
    bad = {key.removeprefix(f"{place}.").split("[")[0].split(".")[0] for key in wrong if key.startswith(f"{place}.")}
    if bad & set(TARGETS):
        return []
    problems = list(_target(flow_log, place))
    if problems:
        return problems
    if flow_log.transit_gateway:
        problems += _transit_gateway(flow_log, place, bad)
    if "tags" not in bad:
        problems += _own_tags(flow_log, place)
    if "fields" not in bad:
        problems += _fields(flow_log, place)
        if "tag_keys" not in bad:
            problems += _tags(flow_log, place)
    return problems


def _target(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    given = [name for name in TARGETS if getattr(flow_log, name)]
    if not given:
        yield Problem(place, f"has no target; set exactly one of {', '.join(TARGETS)}")
    if len(given) > 1:
        yield Problem(
            place,
            f"has {len(given)} targets ({', '.join(given)}); set exactly one of {', '.join(TARGETS)}, and write one "
            "[[flow_logs]] table per target",
        )


def _transit_gateway(flow_log: FlowLog, place: str, bad: set[str]) -> Iterator[Problem]:
    if "traffic" not in bad and flow_log.traffic is not None:
        yield Problem(f"{place}.traffic", f'"{flow_log.traffic}" does not apply to a transit gateway; remove the key')
    if "aggregation_seconds" not in bad and flow_log.aggregation_seconds == 600:
        yield Problem(f"{place}.aggregation_seconds", "600 is not allowed for a transit gateway; use 60")


def _own_tags(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    if ENVIRONMENT_TAG in flow_log.tags:
        yield Problem(
            f"{place}.tags.{ENVIRONMENT_TAG}", "is the tag that the stack sets on everything it creates; remove it"
        )
    elif len(flow_log.tags) >= MOST_TAGS:
        count = len(flow_log.tags)
        yield Problem(
            f"{place}.tags", f"has {count} tags; at most {MOST_TAGS - 1} are allowed, because the stack adds one"
        )


def _fields(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    seen: set[str] = set()
    kind, other = ("transit gateway", "vpc") if flow_log.transit_gateway else ("VPC", "tgw")
    for number, name in enumerate(flow_log.fields or (), 1):
        key = f"{place}.fields[{number}]"
        if name in seen:
            yield Problem(key, f'"{name}" is listed twice')
        seen.add(name)
        if BY_NAME[name].scope == other:
            yield Problem(key, f'"{name}" is not a field of {kind} flow logs')


def _tags(flow_log: FlowLog, place: str) -> Iterator[Problem]:
    """Yield a problem for each tag field without a tag key, and for each tag key without a field."""
    fields = flow_log.fields or ()
    for kind, field in _TAG_KEYS.items():
        key = f"{place}.tag_keys.{kind}"
        keys = getattr(flow_log.tag_keys, kind)
        count = len(keys)
        if len(set(keys)) < count:
            yield Problem(key, f'lists "{keys[0]}" twice')
        for number, name in enumerate((field, f"{field}-2"), 1):
            if name in fields and count < number:
                yield Problem(key, f'is missing tag key {number}, which the field "{name}" needs')
            if name not in fields and count >= number:
                yield Problem(
                    key, f'has tag key {number}, but only the field "{name}" shows it. Add "{name}" to fields'
                )
