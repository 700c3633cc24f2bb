"""Differences in access between two versions of IAM documents.

Access is wider if a new grant is not covered by an old one, or if a denial was removed. The division into statements
does not matter: splitting a statement in two changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Documents = Mapping[str, Mapping[str, Any]]
"""Documents by file name, as parsed from JSON."""

Conditions = tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Grant:
    """One principal, one action and one resource that a statement allows or denies under its conditions."""

    sid: str
    effect: str
    principal: str
    action: str
    resource: str
    conditions: Conditions

    def __str__(self) -> str:
        principal = f"{self.principal}: " if self.principal else ""
        resource = f" on {self.resource}" if self.resource else ""
        return f"{principal}{self.action}{resource}"

    @property
    def condition_text(self) -> str:
        """Return the conditions as text."""
        return " and ".join(f"{key} {operator} {', '.join(values)}" for operator, key, values in self.conditions)


@dataclass(frozen=True)
class Change:
    """One difference in access.

    Attributes:
        file: File name of the document.
        sid: Sid of the statement.
        wider: True if access became wider, False if narrower.
        text: Description of the difference.
    """

    file: str
    sid: str
    wider: bool
    text: str


def changes(old: Documents, new: Documents) -> list[Change]:
    """Return every difference in access between documents of the same file name. Differences in form do not count."""
    differences: list[Change] = []
    for file in sorted({*old, *new}):
        before, after = _comparable(old.get(file, {}), new.get(file, {}))
        for effect, gained_is_wider in (("Allow", True), ("Deny", False)):
            old_grants = [grant for grant in before if grant.effect == effect]
            new_grants = [grant for grant in after if grant.effect == effect]
            differences += [
                _change(file, grant, old_grants, gained=True, wider=gained_is_wider)
                for grant in _uncovered(new_grants, old_grants)
            ]
            differences += [
                _change(file, grant, new_grants, gained=False, wider=not gained_is_wider)
                for grant in _uncovered(old_grants, new_grants)
            ]
    return sorted(set(differences), key=lambda change: (not change.wider, change.file, change.sid, change.text))


def _comparable(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Grant], list[Grant]]:
    """Return the grants of two documents. Ignore the carrier if only one of the two documents has it."""
    if old and new and not ("Carrier" in old and "Carrier" in new):
        old, new = ({key: value for key, value in document.items() if key != "Carrier"} for document in (old, new))
    return list(grants(old)), list(grants(new))


def grants(document: Mapping[str, Any]) -> Iterator[Grant]:
    """Return the grants and denials of a document, and the managed policies that CDK attaches to a role.

    ``Carrier`` is not an IAM element. It is the principal of a role's inline policy, and the resource of a trust policy
    or key policy.
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
    """Return True if ``one`` certainly applies wherever ``other`` does, and False if in doubt."""
    return (
        (one.principal in (other.principal, "*"))
        and _glob(one.action.lower()).fullmatch(other.action.lower()) is not None
        and _glob(one.resource).fullmatch(other.resource) is not None
        and all(_is_implied(condition, other.conditions) for condition in one.conditions)
    )


def _uncovered(some: list[Grant], others: list[Grant]) -> list[Grant]:
    return [grant for grant in some if not any(covers(other, grant) for other in others)]


def _change(file: str, grant: Grant, others: list[Grant], *, gained: bool, wider: bool) -> Change:
    same = [other for other in others if str(other) == str(grant)]
    deny = "denial of " if grant.effect == "Deny" else ""
    if same:
        old, new = (
            (same[0].condition_text, grant.condition_text) if gained else (grant.condition_text, same[0].condition_text)
        )
        text = f"{deny}{grant}: the condition was {old or 'empty'}; it is now {new or 'empty'}"
    else:
        when = f", if {grant.condition_text}" if grant.condition_text else ""
        text = f"{'new' if gained else 'removed'}: {deny}{grant}{when}"
    return Change(file=file, sid=grant.sid, wider=wider, text=text)


def _is_implied(condition: tuple[str, str, tuple[str, ...]], others: Conditions) -> bool:
    """Return True if one of the other conditions is at least as strict as this one."""
    return any(_implies(other, condition) for other in others)


def _implies(one: tuple[str, str, tuple[str, ...]], other: tuple[str, str, tuple[str, ...]]) -> bool:
    """Return True if every request that meets ``one`` also meets ``other``."""
    (operator, key, values), (other_operator, other_key, allowed) = one, other
    if key.lower() != other_key.lower():
        return False
    # IfExists is less strict: the condition without it implies the one with it, but not the reverse.
    operator, other_operator = operator.lower(), other_operator.lower()
    if other_operator.endswith("ifexists"):
        operator, other_operator = (name.removesuffix("ifexists") for name in (operator, other_operator))
    # IAM treats ArnEquals and ArnLike alike. StringEquals implies StringLike if the pattern matches the value.
    operator, other_operator = (name.replace("arnequals", "arnlike") for name in (operator, other_operator))
    if operator.replace("stringequals", "stringlike") == other_operator:
        operator = other_operator
    if operator != other_operator:
        return False
    if "not" in operator:  # more excluded values make a stricter condition
        return set(allowed) <= set(values)
    if "like" in operator:
        return all(any(_glob(pattern).fullmatch(value) for pattern in allowed) for value in values)
    return set(values) <= set(allowed)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """Return an IAM pattern as a regular expression. A ``*`` covers a ``*`` in another pattern; a ``?`` does not."""
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
    principals = [(kind, name) for kind, names in sorted(principal.items()) for name in _list(names)]
    return ["*" if (kind, name) == ("AWS", "*") else name for kind, name in principals]


def _names(statement: Mapping[str, Any], key: str) -> list[str]:
    if f"Not{key}" in statement:
        return [f"all but {sorted(_list(statement[f'Not{key}']))}"]
    return _list(statement.get(key, ""))


def _list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
