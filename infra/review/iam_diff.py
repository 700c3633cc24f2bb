"""What a change of IAM documents gives and takes, statement by statement.

A grant of the new documents that no grant of the old ones covers is wider; so is a denial that is gone. How statements
are cut does not matter: one that is split in two gives nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Documents = Mapping[str, Mapping[str, Any]]
"""Documents by file name, as JSON has them."""

Conditions = tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Grant:
    """One principal, one action, one resource: what a statement allows, or denies, under its conditions."""

    sid: str
    effect: str
    principal: str
    action: str
    resource: str
    conditions: Conditions

    def __str__(self) -> str:
        who = f"{self.principal}: " if self.principal else ""
        where = f" on {self.resource}" if self.resource else ""
        return f"{who}{self.action}{where}"

    @property
    def asked(self) -> str:
        """The conditions in words."""
        return " and ".join(f"{key} {operator} {', '.join(values)}" for operator, key, values in self.conditions)


@dataclass(frozen=True)
class Change:
    """One difference: in which file and statement, whether access became wider, and what it is."""

    file: str
    sid: str
    wider: bool
    text: str


def changes(old: Documents, new: Documents) -> list[Change]:
    """Every difference in access between documents of the same file names; none where only the form differs."""
    found: list[Change] = []
    for file in sorted({*old, *new}):
        before, after = _comparable(old.get(file, {}), new.get(file, {}))
        for effect, gained_is_wider in (("Allow", True), ("Deny", False)):
            was = [grant for grant in before if grant.effect == effect]
            now = [grant for grant in after if grant.effect == effect]
            found += [_change(file, grant, was, gained=True, wider=gained_is_wider) for grant in _uncovered(now, was)]
            found += [
                _change(file, grant, now, gained=False, wider=not gained_is_wider) for grant in _uncovered(was, now)
            ]
    return sorted(set(found), key=lambda change: (not change.wider, change.file, change.sid, change.text))


def _comparable(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Grant], list[Grant]]:
    """The grants of two documents; what carries them counts if both say it, or if there is one only."""
    if old and new and not ("Carrier" in old and "Carrier" in new):
        old, new = ({key: value for key, value in document.items() if key != "Carrier"} for document in (old, new))
    return list(grants(old)), list(grants(new))


def grants(document: Mapping[str, Any]) -> Iterator[Grant]:
    """The grants and denials of a document, and of managed policies where a role of CDK's has them.

    ``Carrier``, which is no part of IAM's language, says what carries the document: the principal of a role's own
    policy, and the resource of a trust or of a key's policy.
    """
    carrier = document.get("Carrier", "")
    for arn in document.get("ManagedPolicyArns", []):
        yield Grant("ManagedPolicies", "Allow", carrier, "all of the managed policy", arn, ())
    for number, statement in enumerate(document.get("Statement", []), 1):
        conditions = tuple(
            (operator, key, tuple(_list(values)))
            for operator, keys in sorted(statement.get("Condition", {}).items())
            for key, values in sorted(keys.items())
        )
        carried = "Principal" in statement or "NotPrincipal" in statement
        for principal in _principals(statement) if carried else [carrier]:
            for action in _names(statement, "Action"):
                for name in _names(statement, "Resource"):
                    resource = carrier if carried and carrier and name in ("", "*") else name
                    sid = statement.get("Sid", f"statement {number}")
                    yield Grant(sid, statement["Effect"], principal, action, resource, conditions)


def covers(one: Grant, other: Grant) -> bool:
    """Whether ``one`` holds wherever ``other`` does. In doubt it does not."""
    return (
        (one.principal in (other.principal, "*"))
        and _glob(one.action.lower()).fullmatch(other.action.lower()) is not None
        and _glob(one.resource).fullmatch(other.resource) is not None
        and all(_asked_too(condition, other.conditions) for condition in one.conditions)
    )


def _uncovered(some: list[Grant], others: list[Grant]) -> list[Grant]:
    return [grant for grant in some if not any(covers(other, grant) for other in others)]


def _change(file: str, grant: Grant, others: list[Grant], *, gained: bool, wider: bool) -> Change:
    same = [other for other in others if str(other) == str(grant)]
    deny = "a denial, " if grant.effect == "Deny" else ""
    if same:
        old, new = (same[0].asked, grant.asked) if gained else (grant.asked, same[0].asked)
        text = f"{deny}{grant}: was asked {old or 'nothing'}; is asked {new or 'nothing'}"
    else:
        when = f", if {grant.asked}" if grant.asked else ""
        text = f"{'new' if gained else 'gone'}: {deny}{grant}{when}"
    return Change(file=file, sid=grant.sid, wider=wider, text=text)


def _asked_too(condition: tuple[str, str, tuple[str, ...]], others: Conditions) -> bool:
    """Whether some condition of the others asks for at least as much as this one."""
    return any(_implies(other, condition) for other in others)


def _implies(one: tuple[str, str, tuple[str, ...]], other: tuple[str, str, tuple[str, ...]]) -> bool:
    """Whether what fulfils ``one`` fulfils ``other``."""
    (operator, key, values), (wanted, wanted_key, allowed) = one, other
    if key.lower() != wanted_key.lower():
        return False
    # "If it exists" asks for less: the full condition implies it, not the other way round.
    operator, wanted = operator.lower(), wanted.lower()
    if wanted.endswith("ifexists"):
        operator, wanted = (name.removesuffix("ifexists") for name in (operator, wanted))
    # IAM treats these two alike; an exact text fulfils a pattern that matches it.
    operator, wanted = (name.replace("arnequals", "arnlike") for name in (operator, wanted))
    if operator.replace("stringequals", "stringlike") == wanted:
        operator = wanted
    if operator != wanted:
        return False
    if "not" in operator:  # the more is excluded, the more is asked
        return set(allowed) <= set(values)
    if "like" in operator:
        return all(any(_glob(pattern).fullmatch(value) for pattern in allowed) for value in values)
    return set(values) <= set(allowed)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """IAM's wildcards. A ``?`` of one pattern does not cover a ``*`` of another; a ``*`` does."""
    parts = (
        ".*" if part == "*" else "[^*]" if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern)
    )
    return re.compile("".join(parts), re.DOTALL)


def _principals(statement: Mapping[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        return [f"all but {statement['NotPrincipal']}"]
    principal = statement.get("Principal", "")
    if isinstance(principal, str):
        return [principal]
    named = [(kind, who) for kind, names in sorted(principal.items()) for who in _list(names)]
    return ["*" if (kind, who) == ("AWS", "*") else who for kind, who in named]


def _names(statement: Mapping[str, Any], key: str) -> list[str]:
    if f"Not{key}" in statement:
        return [f"all but {sorted(_list(statement[f'Not{key}']))}"]
    return _list(statement.get(key, ""))


def _list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
