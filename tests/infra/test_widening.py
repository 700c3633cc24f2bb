"""The comparison of policy documents: changes that make access wider or narrower."""

from __future__ import annotations

from typing import Any

import pytest

from infra.review.iam_diff import Change, changes

_BUCKET = "arn:aws:s3:::bucket"
_STATEMENT: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": ["arn:aws:iam::111122223333:role/reader"]},
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": [f"{_BUCKET}/logs/*"],
    "Condition": {"StringEquals": {"aws:SourceAccount": ["111122223333", "999988887777"]}},
}
_DENIAL: dict[str, Any] = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["s3:*"],
    "Resource": [_BUCKET],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def _compare(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[Change]:
    return changes({"p.json": {"Statement": old}}, {"p.json": {"Statement": new}})


def _condition(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


_WIDER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "additional action": ({}, {"Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]}),
    "wildcard in an action": ({}, {"Action": ["s3:Get*", "s3:ListBucket"]}),
    "additional resource": ({}, {"Resource": [f"{_BUCKET}/logs/*", f"{_BUCKET}/more/*"]}),
    "shorter prefix": ({}, {"Resource": [f"{_BUCKET}/*"]}),
    "question mark instead of a letter": ({}, {"Resource": [f"{_BUCKET}/log?/*"]}),
    "asterisk instead of a question mark": (
        {"Resource": [f"{_BUCKET}/log?/*"]},
        {"Resource": [f"{_BUCKET}/log*/*"]},
    ),
    "additional principal": ({}, {"Principal": {"AWS": [*_STATEMENT["Principal"]["AWS"], "arn:aws:iam::1:root"]}}),
    "any principal": ({}, {"Principal": "*"}),
    "any principal in the long form": ({}, {"Principal": {"AWS": "*"}}),
    "no condition": ({}, {"Condition": {}}),
    "additional value": ({}, _condition("StringEquals", "aws:SourceAccount", "111122223333", "999988887777", "1")),
    "pattern instead of a value": ({}, _condition("StringLike", "aws:SourceAccount", "1111*", "999988887777")),
    "IfExists operator": (
        {},
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333", "999988887777"),
    ),
    "IfExists operator with a pattern": (
        {},
        _condition("StringLikeIfExists", "aws:SourceAccount", "1111*", "9999*"),
    ),
    "pattern instead of a value with IfExists": (
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333"),
        _condition("StringLikeIfExists", "aws:SourceAccount", "1111*"),
    ),
    "additional value with IfExists": (
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333"),
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333", "999988887777"),
    ),
    "no condition instead of one with IfExists": (
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333"),
        {"Condition": {}},
    ),
    "source bucket with IfExists": (
        _condition("ArnEquals", "aws:SourceArn", _BUCKET),
        _condition("ArnLikeIfExists", "aws:SourceArn", f"{_BUCKET}*"),
    ),
    "another condition key": ({}, _condition("StringEquals", "aws:PrincipalAccount", "111122223333", "999988887777")),
    "fewer excluded values": (
        _condition("StringNotEquals", "aws:SourceVpc", "vpc-1", "vpc-2"),
        _condition("StringNotEquals", "aws:SourceVpc", "vpc-1"),
    ),
    "all actions except one": ({}, {"Action": None, "NotAction": ["s3:PutObject"]}),
    "all principals except one": ({}, {"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}}),
}


def _with(changed: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**_STATEMENT, **changed}.items() if value is not None}


@pytest.mark.parametrize(("old", "new"), _WIDER.values(), ids=_WIDER)
def test_a_wider_statement_is_narrower_in_the_opposite_direction(old: dict[str, Any], new: dict[str, Any]) -> None:
    forward = _compare([_with(old)], [_with(new)])
    assert any(change.wider for change in forward)
    back = _compare([_with(new)], [_with(old)])
    if "NotAction" not in new and "NotPrincipal" not in new and "aws:PrincipalAccount" not in str(new):
        assert back
        assert not any(change.wider for change in back)


def test_a_new_statement_is_wider_and_a_removed_one_is_narrower() -> None:
    assert [change.wider for change in _compare([], [_STATEMENT])] == [True, True]
    assert [change.wider for change in _compare([_STATEMENT], [])] == [False, False]


def test_a_removed_denial_or_one_with_more_conditions_is_wider() -> None:
    assert [change.wider for change in _compare([_DENIAL], [])] == [True]
    assert [change.wider for change in _compare([], [_DENIAL])] == [False]
    more = {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalAccount": "1"}}
    assert _compare([_DENIAL], [{**_DENIAL, "Condition": more}])[0].wider


def test_splitting_renaming_or_reordering_statements_is_not_a_change() -> None:
    halves = [{**_STATEMENT, "Sid": f"Half{action[3:6]}", "Action": [action]} for action in _STATEMENT["Action"]]
    assert _compare([_STATEMENT, _DENIAL], [_DENIAL, *halves]) == []


def test_equivalent_forms_of_a_statement_are_not_a_change() -> None:
    arn_like = {**_STATEMENT, **_condition("ArnLike", "aws:SourceArn", "arn:aws:s3:::bucket")}
    arn_equals = {**_STATEMENT, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}}}
    assert _compare([arn_like], [arn_equals]) == []
    assert _compare([{**_STATEMENT, "Action": "s3:getobject"}], [{**_STATEMENT, "Action": ["s3:GetObject"]}]) == []


def test_adding_a_narrower_statement_next_to_a_wider_one_is_not_a_change() -> None:
    part = {**_STATEMENT, "Sid": "Part", "Resource": [f"{_BUCKET}/logs/today/*"]}
    assert _compare([_STATEMENT], [_STATEMENT, part]) == []


def test_the_same_statement_in_another_document_is_wider() -> None:
    differences = changes({"a.json": {"Statement": [_STATEMENT]}}, {"b.json": {"Statement": [_STATEMENT]}})
    assert {(change.file, change.wider) for change in differences} == {("a.json", False), ("b.json", True)}


def test_the_same_document_on_another_role_is_wider() -> None:
    """A role policy names no principal, so its carrier shows that it moved."""
    statement = {key: value for key, value in _STATEMENT.items() if key != "Principal"}
    before = {"p.json": {"Statement": [statement], "Carrier": "arn:aws:iam::111122223333:role/before"}}
    after = {"p.json": {"Statement": [statement], "Carrier": "arn:aws:iam::111122223333:role/after"}}
    assert changes(before, before) == []
    differences = changes(before, after)
    assert {change.wider for change in differences} == {True, False}
    assert differences[0].text.startswith("new: arn:aws:iam::111122223333:role/after: s3:GetObject on ")


def test_the_same_trust_or_key_policy_on_another_resource_is_wider() -> None:
    trust = {"Sid": "T", "Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    key = {**trust, "Action": "kms:Decrypt", "Resource": "*"}
    for statement in (trust, key):
        before, after = (
            {"p.json": {"Statement": [statement], "Carrier": name}} for name in ("arn:before", "arn:after")
        )
        assert changes(before, before) == []
        assert changes(before, after)[0].text.endswith(" on arn:after")


def test_a_base_without_carriers_is_compared_without_them() -> None:
    statement = {key: value for key, value in _STATEMENT.items() if key != "Principal"}
    assert changes({"p.json": {"Statement": [statement]}}, {"p.json": {"Statement": [statement], "Carrier": "x"}}) == []


def test_a_managed_policy_is_a_grant() -> None:
    differences = changes({}, {"cdk-role.json": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}})
    assert [change.wider for change in differences] == [True]


def test_a_change_of_conditions_reports_the_old_and_the_new_condition() -> None:
    (change,) = _compare(
        [{**_STATEMENT, "Action": "s3:GetObject"}], [{**_STATEMENT, "Action": "s3:GetObject", "Condition": {}}]
    )
    assert change.text == (
        "arn:aws:iam::111122223333:role/reader: s3:GetObject on arn:aws:s3:::bucket/logs/*: "
        "the condition was aws:SourceAccount StringEquals 111122223333, 999988887777; it is now empty"
    )
