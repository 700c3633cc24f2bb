"""A statement of an IAM document, with the reason why it is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Operator, key, values: ``{"StringEquals": {"aws:SourceAccount": ("111122223333",)}}``."""

Document = dict[str, object]
"""An IAM document as JSON has it."""


@dataclass(frozen=True)
class Statement:
    """One statement, as AWS has it, and two sentences that AWS does not have.

    ``reason`` says why it is there, ``wildcard`` why a resource with a ``*`` cannot be named more closely.
    ``principals`` (``AWS`` or ``Service``, and who) only where a resource or a role carries the document; a trust
    document has no ``resources``.
    """

    sid: str
    reason: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    conditions: Conditions = field(default_factory=dict)
    effect: str = "Allow"
    wildcard: str = ""


@dataclass(frozen=True)
class Policy:
    """A document and where it goes: the file of the review, one line on what carries it, and its statements.

    ``name`` is that of an inline policy, ``carrier`` the ARN of what carries the document, where the environment file
    chooses it: that a document moved to another role is told by it alone.
    """

    file: str
    title: str
    statements: tuple[Statement, ...]
    name: str = ""
    carrier: str = ""

    @property
    def document(self) -> Document:
        return document(self.statements)


def document(statements: Iterable[Statement]) -> Document:
    """The IAM document of statements: lists are sorted, so that equal documents are equal JSON."""
    return {"Version": "2012-10-17", "Statement": [_json(statement) for statement in statements]}


def _json(statement: Statement) -> Document:
    found: Document = {"Sid": statement.sid, "Effect": statement.effect}
    if statement.principals:
        found["Principal"] = _principal(statement.principals)
    found["Action"] = sorted(statement.actions)
    if statement.resources:
        found["Resource"] = sorted(statement.resources)
    if statement.conditions:
        found["Condition"] = {
            operator: {key: _value(values) for key, values in sorted(keys.items())}
            for operator, keys in sorted(statement.conditions.items())
        }
    return found


def _value(values: tuple[str, ...]) -> str | list[str]:
    """A condition's value as AWS's own documents write it, which linters look for: one alone is no list."""
    return values[0] if len(values) == 1 else sorted(values)


def _principal(principals: tuple[tuple[str, str], ...]) -> str | dict[str, list[str]]:
    if principals == EVERYBODY:
        return "*"
    kinds = sorted({kind for kind, _ in principals})
    return {kind: sorted(who for other, who in principals if other == kind) for kind in kinds}


EVERYBODY = (("*", "*"),)
"""The principals of a statement that denies something to everybody."""


def service(name: str) -> tuple[tuple[str, str], ...]:
    """An AWS service as principal; its name ends with ``amazonaws.com`` in every partition.

    Source: ``ServicePrincipal.servicePrincipalName`` of aws-cdk-lib.
    """
    return (("Service", f"{name}.amazonaws.com"),)


def role(arn: str) -> tuple[tuple[str, str], ...]:
    """A role as principal."""
    return (("AWS", arn),)


def only_tls(*, sid: str, action: str, resources: tuple[str, ...]) -> Statement:
    """Everything is denied to who comes without TLS. The wildcard of the action takes rights away, it gives none."""
    return Statement(
        sid=sid,
        reason="TLS only: whoever comes by plain http is denied, whatever else allows it",
        effect="Deny",
        principals=EVERYBODY,
        actions=(action,),
        resources=resources,
        conditions={"Bool": {"aws:SecureTransport": ("false",)}},
    )
