"""Statements of an IAM document, each with the reason for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Operator, key, values: ``{"StringEquals": {"aws:SourceAccount": ("111122223333",)}}``."""

Document = dict[str, object]
"""An IAM document as JSON."""


@dataclass(frozen=True)
class Statement:
    """One statement of an IAM document, with two explanations that are not part of the document.

    Attributes:
        sid: The statement ID.
        reason: The purpose of the statement.
        actions: The actions.
        resources: The resources; empty in a trust policy.
        principals: Pairs of type (such as ``AWS`` or ``Service``) and name, in resource policies and trust policies.
        conditions: The conditions.
        effect: ``Allow`` or ``Deny``.
        wildcard: The reason why a resource with ``*`` cannot be more specific.
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
    """An IAM document and the resource that carries it.

    Attributes:
        file: The file name in the review.
        title: A one-line description of the document and its carrier.
        statements: The statements.
        name: The name of an inline policy.
        carrier: The ARN of the carrier if the environment file sets it. A comparison uses it to
            detect that a document moved to another role.
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
    """Return statements as an IAM document. Lists are sorted, so that equal documents give equal JSON."""
    return {"Version": "2012-10-17", "Statement": [_json(statement) for statement in statements]}


def _json(statement: Statement) -> Document:
    result: Document = {"Sid": statement.sid, "Effect": statement.effect}
    if statement.principals:
        result["Principal"] = _principal(statement.principals)
    result["Action"] = sorted(statement.actions)
    if statement.resources:
        result["Resource"] = sorted(statement.resources)
    if statement.conditions:
        result["Condition"] = {
            operator: {key: _value(values) for key, values in sorted(keys.items())}
            for operator, keys in sorted(statement.conditions.items())
        }
    return result


def _value(values: tuple[str, ...]) -> str | list[str]:
    """Return a condition's value as AWS documents and linters expect it: a single value is not a list."""
    return values[0] if len(values) == 1 else sorted(values)


def _principal(principals: tuple[tuple[str, str], ...]) -> str | dict[str, list[str]]:
    if principals == EVERYBODY:
        return "*"
    kinds = sorted({kind for kind, _ in principals})
    return {kind: sorted(name for other, name in principals if other == kind) for kind in kinds}


EVERYBODY = (("*", "*"),)
"""The principals of a statement that denies something to everyone."""


def service(name: str) -> tuple[tuple[str, str], ...]:
    """Return an AWS service as a principal. Its name ends with ``amazonaws.com`` in every partition.

    Source: ``ServicePrincipal.servicePrincipalName`` of aws-cdk-lib.
    """
    return (("Service", f"{name}.amazonaws.com"),)


def role(arn: str) -> tuple[tuple[str, str], ...]:
    """Return a role as a principal."""
    return (("AWS", arn),)


def only_tls(*, sid: str, action: str, resources: tuple[str, ...]) -> Statement:
    """Return a statement that denies requests without TLS. A wildcard in its action grants nothing."""
    return Statement(
        sid=sid,
        reason="TLS only: requests over plain HTTP are denied, even if another statement allows them",
        effect="Deny",
        principals=EVERYBODY,
        actions=(action,),
        resources=resources,
        conditions={"Bool": {"aws:SecureTransport": ("false",)}},
    )
