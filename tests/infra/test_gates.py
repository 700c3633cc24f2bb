"""What linters say of every document and template: nothing, or what is accepted with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks
from cfnlint import lint
from parliament import analyze_policy_string

from infra import access
from infra.config import Environment, load
from infra.stacks import build
from tests.infra.conftest import flags
from tests.infra.environment_files import VARIANTS, environment

_NAMES = [*VARIANTS, "staging", "production"]
_SEVERE = ("MEDIUM", "HIGH", "CRITICAL")

# Findings of parliament that are meant to be; one that is no longer found has to go from here.
ACCEPTED: dict[tuple[str, str], str] = {}


def _environment(name: str, folder: Path) -> Environment:
    return load(name) if name not in VARIANTS else environment(folder, *VARIANTS[name])


def _findings(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Parliament's findings of a document, as severity, issue and detail."""
    # It asks for a resource also where AWS allows none, in trust documents.
    statements = [{key: value for key, value in s.items() if key != "Principal"} for s in document["Statement"]]
    if not all("Resource" in statement for statement in statements):
        return []
    found = analyze_policy_string(json.dumps({**document, "Statement": statements})).findings
    return [(finding.severity, finding.issue, str(finding.detail)) for finding in found]


@pytest.mark.parametrize("name", _NAMES)
def test_parliament_finds_nothing_that_is_not_accepted(name: str, tmp_path: Path) -> None:
    found = [
        (policy.file, issue, detail)
        for policy in access.policies(_environment(name, tmp_path))
        for severity, issue, detail in _findings(policy.document)
        if severity in _SEVERE and (policy.file, issue) not in ACCEPTED
    ]
    assert found == []


def test_parliament_does_look() -> None:
    actions = {"Sid": "Guide", "Effect": "Allow", "Action": ["sqs:DeleteMessageBatch"], "Resource": ["*"]}
    assert [issue for _, issue, _ in _findings({"Version": "2012-10-17", "Statement": [actions]})] == ["UNKNOWN_ACTION"]


def test_what_is_accepted_is_still_found(tmp_path: Path) -> None:
    found = {
        (policy.file, issue)
        for name in _NAMES
        for policy in access.policies(_environment(name, tmp_path))
        for _, issue, _ in _findings(policy.document)
    }
    assert set(ACCEPTED) <= found


@pytest.mark.parametrize("name", _NAMES)
def test_cfn_lint_and_cdk_nag_find_nothing(name: str, tmp_path: Path) -> None:
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, _environment(name, tmp_path))
    # What is not acknowledged with a reason fails the synthesis.
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    templates = sorted(stack.template_full_path for stack in app.synth().stacks)
    assert [str(match) for path in templates for match in lint(Path(path).read_text(), None)] == []


def test_cdk_nag_does_look(tmp_path: Path) -> None:
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    stack = build(app, environment(tmp_path))
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    iam.CfnPolicy(stack, "Wild", policy_name="wild", policy_document=document, roles=["reader"])
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()


@pytest.mark.parametrize("name", _NAMES)
def test_no_statement_allows_a_wildcard_action(name: str, tmp_path: Path) -> None:
    for policy in access.policies(_environment(name, tmp_path)):
        for statement in policy.statements:
            assert statement.effect == "Deny" or not any("*" in action for action in statement.actions)


@pytest.mark.parametrize("name", _NAMES)
def test_every_statement_has_a_reason_and_every_wildcard_one_more(name: str, tmp_path: Path) -> None:
    for policy in access.policies(_environment(name, tmp_path)):
        assert len({statement.sid for statement in policy.statements}) == len(policy.statements)
        for statement in policy.statements:
            assert statement.sid.isalnum()
            assert len(statement.reason.split()) > 3
            # A key policy's * is the key itself, and a denial may reach as far as it likes.
            wild = any("*" in resource for resource in statement.resources)
            named = policy.file != "kms-key-policy.json" and statement.effect == "Allow" and not statement.principals
            assert not (wild and named) or statement.wildcard
