"""What linters say of every document and template: nothing, or what is accepted with a reason."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aws_cdk import Acknowledgment, App, Validations
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks
from cfnlint import lint
from constructs import Construct
from parliament import analyze_policy_string

from infra.config import Environment, load
from infra.iam import policies
from infra.stacks import build
from tests.infra.conftest import flags
from tests.support.environment_files import VARIANTS, environment

_NAMES = [*VARIANTS, "minimal", "staging", "production"]

# Findings of parliament that are meant to be, by file and issue; one that is found no longer has to go from here.
ACCEPTED = {("kms-key-policy.json", "RESOURCE_STAR"): "in a key's policy, * is the key that has the policy"}


def _environment(name: str, folder: Path) -> Environment:
    return load(name) if name not in VARIANTS else environment(folder, *VARIANTS[name])


def _findings(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Parliament's findings of a document, of every severity, as issue and detail."""
    # It asks for a resource also where AWS allows none, in trust documents.
    statements = [{key: value for key, value in s.items() if key != "Principal"} for s in document["Statement"]]
    if not all("Resource" in statement for statement in statements):
        return []
    found = analyze_policy_string(json.dumps({**document, "Statement": statements})).findings
    return [(finding.issue, str(finding.detail)) for finding in found]


def _judged(documents: Iterable[tuple[str, dict[str, Any]]], accepted: Collection[tuple[str, str]]) -> list[str]:
    """What is wrong: findings that are not accepted, and accepted ones that are found no longer."""
    found = [(file, *finding) for file, document in documents for finding in _findings(document)]
    wrong = [f"{file}: {issue} {detail}" for file, issue, detail in found if (file, issue) not in accepted]
    there = {(file, issue) for file, issue, _ in found}
    return wrong + [f"{file}: {issue} is accepted, and found no longer" for file, issue in set(accepted) - there]


def test_parliament_finds_what_is_accepted_and_nothing_else(tmp_path: Path) -> None:
    documents = [
        (policy.file, policy.document) for name in _NAMES for policy in policies.policies(_environment(name, tmp_path))
    ]
    assert len(documents) > 50
    assert _judged(documents, ACCEPTED) == []


def test_parliament_does_look() -> None:
    actions = {"Sid": "Guide", "Effect": "Allow", "Action": ["sqs:DeleteMessageBatch"], "Resource": ["*"]}
    document = {"Version": "2012-10-17", "Statement": [actions]}
    (wrong,) = _judged([("a.json", document)], [])
    assert wrong.startswith("a.json: UNKNOWN_ACTION")
    assert _judged([("a.json", document)], [("a.json", "UNKNOWN_ACTION")]) == []


def test_a_finding_that_is_accepted_and_found_no_longer_is_a_mistake() -> None:
    actions = {"Sid": "Guide", "Effect": "Allow", "Action": ["sqs:DeleteMessage"], "Resource": ["*"]}
    document = {"Version": "2012-10-17", "Statement": [actions]}
    assert "a.json: UNKNOWN_ACTION is accepted, and found no longer" in _judged(
        [("a.json", document)], [("a.json", "UNKNOWN_ACTION")]
    )


@pytest.mark.parametrize("name", _NAMES)
def test_cfn_lint_and_cdk_nag_find_nothing(name: str, tmp_path: Path) -> None:
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, _environment(name, tmp_path))
    # What is not acknowledged with a reason fails the synthesis.
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    templates = sorted(stack.template_full_path for stack in app.synth().stacks)
    assert [str(match) for path in templates for match in lint(Path(path).read_text(), None)] == []


class _Recorder:
    """Takes acknowledgements in place of CDK, which then reports the findings."""

    given: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def of(cls, construct: Construct) -> _Recorder:
        return cls(construct.node.path)

    def acknowledge(self, *acknowledgments: Acknowledgment) -> None:
        self.given.extend((self.path, each.id) for each in acknowledgments)


@pytest.mark.parametrize("name", ["simple", "full", "existing-stack"])
def test_what_is_acknowledged_is_still_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.resources.nag.Validations", _Recorder)
    _Recorder.given.clear()
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, _environment(name, tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    (report,) = json.loads((tmp_path / "out/validation-report.json").read_text())["pluginReports"]
    found = {
        (construct["constructPath"], violation["ruleName"])
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    }
    stale = [
        (path, rule)
        for path, rule in _Recorder.given
        if not any(other == rule and (place == path or place.startswith(f"{path}/")) for place, other in found)
    ]
    assert stale == []
    assert len(_Recorder.given) > 3


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
    for policy in policies.policies(_environment(name, tmp_path)):
        for statement in policy.statements:
            assert statement.effect == "Deny" or not any("*" in action for action in statement.actions)


@pytest.mark.parametrize("name", _NAMES)
def test_every_statement_has_a_reason_and_every_wildcard_one_more(name: str, tmp_path: Path) -> None:
    for policy in policies.policies(_environment(name, tmp_path)):
        assert len({statement.sid for statement in policy.statements}) == len(policy.statements)
        for statement in policy.statements:
            assert statement.sid.isalnum()
            assert len(statement.reason.split()) > 3
            # A key policy's * is the key itself, and a denial may reach as far as it likes.
            wild = any("*" in resource for resource in statement.resources)
            named = policy.file != "kms-key-policy.json" and statement.effect == "Allow" and not statement.principals
            assert not (wild and named) or statement.wildcard
