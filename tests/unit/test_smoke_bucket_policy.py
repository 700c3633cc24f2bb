"""The smoke test reports each missing or changed statement of the deployed bucket policy, with the fix."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.iam import policies
from infra.smoke.bucket_policy import ObservedPolicy, compare
from infra.smoke.judgement import Expected, judge_policy
from tests.support.environment_files import environment

EXPECTED = Expected(environment="test", name="test", bucket="flow-logs-bucket")
SUFFIX = "111122223333useast1"


@pytest.fixture
def expected_statements(tmp_path: Path) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(json.dumps(policies.bucket_policy(environment(tmp_path)).document))[
        "Statement"
    ]
    return statements


def _by_sid(statements: list[dict[str, Any]], sid: str) -> dict[str, Any]:
    (statement,) = (each for each in statements if each["Sid"] == sid)
    return statement


def test_the_same_statements_are_ok_next_to_statements_of_others(expected_statements: list[dict[str, Any]]) -> None:
    other = {"Sid": "Other", "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "*"}
    finding = judge_policy(compare(expected_statements, [other, *reversed(expected_statements)]), EXPECTED)
    assert (finding.state, finding.text) == (
        "ok",
        f"flow-logs-bucket has all {len(expected_statements)} reviewed statements",
    )


def test_another_spelling_of_the_same_statement_is_not_a_difference(expected_statements: list[dict[str, Any]]) -> None:
    live = copy.deepcopy(expected_statements)
    for each in live:
        each["Action"] = each["Action"][0] if len(each["Action"]) == 1 else list(reversed(each["Action"]))
        each["Resource"] = each["Resource"][0] if len(each["Resource"]) == 1 else list(reversed(each["Resource"]))
    _by_sid(live, "DenyPlainHttp")["Principal"] = {"AWS": "*"}
    _by_sid(live, "DenyPlainHttp")["Condition"] = {"Bool": {"AWS:secureTransport": False}}
    _by_sid(live, f"AWSLogDeliveryWrite{SUFFIX}")["Sid"] = "RenamedByTheOwner"
    assert compare(expected_statements, live) == ObservedPolicy(
        reviewed=tuple(each["Sid"] for each in expected_statements)
    )


@pytest.mark.parametrize("sid", ["DenyPlainHttp", f"AWSLogDeliveryWrite{SUFFIX}", f"AWSLogDeliveryAclCheck{SUFFIX}"])
def test_a_missing_statement_is_reported_with_the_command_that_restores_it(
    expected_statements: list[dict[str, Any]], sid: str
) -> None:
    finding = judge_policy(
        compare(expected_statements, [each for each in expected_statements if each["Sid"] != sid]), EXPECTED
    )
    assert (finding.state, finding.text) == ("wrong", f"{sid} is missing")
    assert finding.next_step.startswith(
        "run make review ENV=test, which writes review/test/log-bucket-policy.json, then aws s3api put-bucket-policy "
        "--bucket flow-logs-bucket --policy file://review/test/log-bucket-policy.json."
    )


def _other_account(statement: dict[str, Any]) -> None:
    statement["Condition"]["StringEquals"]["aws:SourceAccount"] = "999988887777"


def _no_condition(statement: dict[str, Any]) -> None:
    del statement["Condition"]


def _other_effect_and_folder(statement: dict[str, Any]) -> None:
    statement.update(Effect="Deny", Resource=["arn:aws:s3:::flow-logs-bucket/elsewhere/*"])


@pytest.mark.parametrize(
    ("change", "parts"),
    [(_other_account, "Condition"), (_no_condition, "Condition"), (_other_effect_and_folder, "Effect, Resource")],
)
def test_a_changed_statement_is_reported_with_the_parts_that_differ(
    expected_statements: list[dict[str, Any]], change: Callable[[dict[str, Any]], None], parts: str
) -> None:
    live = copy.deepcopy(expected_statements)
    sid = f"AWSLogDeliveryWrite{SUFFIX}"
    change(_by_sid(live, sid))
    assert judge_policy(compare(expected_statements, live), EXPECTED).text == f"{sid} is changed ({parts})"


def test_a_policy_that_aws_attached_lacks_every_expected_statement(expected_statements: list[dict[str, Any]]) -> None:
    policy = compare(expected_statements, [{"Sid": "AWSLogDeliveryWrite"}, {"Sid": "AWSLogDeliveryAclCheck"}])
    assert policy.missing == tuple(each["Sid"] for each in expected_statements)


def test_the_owner_of_an_existing_bucket_is_asked_to_add_the_missing_statements(
    expected_statements: list[dict[str, Any]],
) -> None:
    expected = Expected(environment="test", name="test", bucket="flow-logs-bucket", existing_bucket=True)
    finding = judge_policy(compare(expected_statements, []), expected)
    assert finding.next_step == (
        "run make review ENV=test, which writes review/test/log-bucket-policy.json; the bucket's owner adds those "
        "statements to the policy and keeps its other statements"
    )


@pytest.mark.parametrize(("existing", "fix"), [(False, "make deploy ENV=test"), (True, "create it, or correct")])
def test_a_bucket_that_does_not_exist_is_reported(existing: bool, fix: str) -> None:
    expected = Expected(environment="test", bucket="flow-logs-bucket", existing_bucket=existing)
    finding = judge_policy(ObservedPolicy(exists=False), expected)
    assert (finding.state, finding.text) == ("wrong", "the bucket flow-logs-bucket does not exist")
    assert finding.next_step.startswith(fix)
