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
    "an action more": ({}, {"Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]}),
    "a wildcard for an action": ({}, {"Action": ["s3:Get*", "s3:ListBucket"]}),
    "a resource more": ({}, {"Resource": [f"{_BUCKET}/logs/*", f"{_BUCKET}/more/*"]}),
    "a shorter prefix": ({}, {"Resource": [f"{_BUCKET}/*"]}),
    "a question mark for a letter": ({}, {"Resource": [f"{_BUCKET}/log?/*"]}),
    "a star for a question mark": (
        {"Resource": [f"{_BUCKET}/log?/*"]},
        {"Resource": [f"{_BUCKET}/log*/*"]},
    ),
    "a principal more": ({}, {"Principal": {"AWS": [*_STATEMENT["Principal"]["AWS"], "arn:aws:iam::1:root"]}}),
    "everybody": ({}, {"Principal": "*"}),
    "everybody in the long form": ({}, {"Principal": {"AWS": "*"}}),
    "no condition": ({}, {"Condition": {}}),
    "a value more": ({}, _condition("StringEquals", "aws:SourceAccount", "111122223333", "999988887777", "1")),
    "a pattern for a value": ({}, _condition("StringLike", "aws:SourceAccount", "1111*", "999988887777")),
    "only if it exists": (
        {},
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333", "999988887777"),
    ),
    "only if it exists, and a pattern": (
        {},
        _condition("StringLikeIfExists", "aws:SourceAccount", "1111*", "9999*"),
    ),
    "a pattern for a value, if it exists": (
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333"),
        _condition("StringLikeIfExists", "aws:SourceAccount", "1111*"),
    ),
    "a value more, if it exists": (
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333"),
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333", "999988887777"),
    ),
    "no condition instead of one if it exists": (
        _condition("StringEqualsIfExists", "aws:SourceAccount", "111122223333"),
        {"Condition": {}},
    ),
    "a source bucket, only if it exists": (
        _condition("ArnEquals", "aws:SourceArn", _BUCKET),
        _condition("ArnLikeIfExists", "aws:SourceArn", f"{_BUCKET}*"),
    ),
    "another key": ({}, _condition("StringEquals", "aws:PrincipalAccount", "111122223333", "999988887777")),
    "a value less that is excluded": (
        _condition("StringNotEquals", "aws:SourceVpc", "vpc-1", "vpc-2"),
        _condition("StringNotEquals", "aws:SourceVpc", "vpc-1"),
    ),
    "all actions but one": ({}, {"Action": None, "NotAction": ["s3:PutObject"]}),
    "all principals but one": ({}, {"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}}),
}


def _with(changed: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**_STATEMENT, **changed}.items() if value is not None}


@pytest.mark.parametrize(("old", "new"), _WIDER.values(), ids=_WIDER)
def test_what_is_wider_in_one_direction_is_narrower_in_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    there = _compare([_with(old)], [_with(new)])
    assert any(change.wider for change in there)
    back = _compare([_with(new)], [_with(old)])
    if "NotAction" not in new and "NotPrincipal" not in new and "aws:PrincipalAccount" not in str(new):
        assert back
        assert not any(change.wider for change in back)


def test_a_new_statement_is_wider_and_one_that_is_gone_narrower() -> None:
    assert [change.wider for change in _compare([], [_STATEMENT])] == [True, True]
    assert [change.wider for change in _compare([_STATEMENT], [])] == [False, False]


def test_a_denial_that_is_gone_or_asks_for_more_is_wider() -> None:
    assert [change.wider for change in _compare([_DENIAL], [])] == [True]
    assert [change.wider for change in _compare([], [_DENIAL])] == [False]
    more = {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalAccount": "1"}}
    assert _compare([_DENIAL], [{**_DENIAL, "Condition": more}])[0].wider


def test_a_statement_that_is_split_renamed_or_reordered_is_no_change() -> None:
    halves = [{**_STATEMENT, "Sid": f"Half{action[3:6]}", "Action": [action]} for action in _STATEMENT["Action"]]
    assert _compare([_STATEMENT, _DENIAL], [_DENIAL, *halves]) == []


def test_forms_of_the_same_meaning_are_no_change() -> None:
    one = {**_STATEMENT, **_condition("ArnLike", "aws:SourceArn", "arn:aws:s3:::bucket")}
    other = {**_STATEMENT, "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}}}
    assert _compare([one], [other]) == []
    assert _compare([{**_STATEMENT, "Action": "s3:getobject"}], [{**_STATEMENT, "Action": ["s3:GetObject"]}]) == []


def test_a_narrower_statement_beside_a_wider_one_is_no_change() -> None:
    part = {**_STATEMENT, "Sid": "Part", "Resource": [f"{_BUCKET}/logs/today/*"]}
    assert _compare([_STATEMENT], [_STATEMENT, part]) == []


def test_the_same_rights_on_another_role_are_wider() -> None:
    found = changes({"a.json": {"Statement": [_STATEMENT]}}, {"b.json": {"Statement": [_STATEMENT]}})
    assert {(change.file, change.wider) for change in found} == {("a.json", False), ("b.json", True)}


def test_the_same_document_on_another_role_is_wider() -> None:
    """A role's own policy names nobody: that it moved is told by what carries it."""
    statement = {key: value for key, value in _STATEMENT.items() if key != "Principal"}
    one = {"p.json": {"Statement": [statement], "Carrier": "arn:aws:iam::111122223333:role/one"}}
    other = {"p.json": {"Statement": [statement], "Carrier": "arn:aws:iam::111122223333:role/other"}}
    assert changes(one, one) == []
    found = changes(one, other)
    assert {change.wider for change in found} == {True, False}
    assert found[0].text.startswith("new: arn:aws:iam::111122223333:role/other: s3:GetObject on ")


def test_a_trust_or_a_key_policy_on_something_else_is_wider() -> None:
    trust = {"Sid": "T", "Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    key = {**trust, "Action": "kms:Decrypt", "Resource": "*"}
    for statement in (trust, key):
        one, other = ({"p.json": {"Statement": [statement], "Carrier": name}} for name in ("arn:one", "arn:other"))
        assert changes(one, one) == []
        assert changes(one, other)[0].text.endswith(" on arn:other")


def test_a_base_that_does_not_say_what_carries_a_document_is_compared_without() -> None:
    statement = {key: value for key, value in _STATEMENT.items() if key != "Principal"}
    assert changes({"p.json": {"Statement": [statement]}}, {"p.json": {"Statement": [statement], "Carrier": "x"}}) == []


def test_a_managed_policy_is_a_grant() -> None:
    found = changes({}, {"cdk-role.json": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}})
    assert [change.wider for change in found] == [True]


def test_a_change_says_what_was_asked_and_what_is_asked() -> None:
    (change,) = _compare(
        [{**_STATEMENT, "Action": "s3:GetObject"}], [{**_STATEMENT, "Action": "s3:GetObject", "Condition": {}}]
    )
    assert change.text == (
        "arn:aws:iam::111122223333:role/reader: s3:GetObject on arn:aws:s3:::bucket/logs/*: "
        "the condition was aws:SourceAccount StringEquals 111122223333, 999988887777; it is now empty"
    )
