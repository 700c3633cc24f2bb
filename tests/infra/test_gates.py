"""Linters over every policy document and template: every finding is fixed or accepted with a reason."""

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

# Accepted findings of parliament, by file and issue. Remove an entry when parliament no longer reports it.
ACCEPTED = {("kms-key-policy.json", "RESOURCE_STAR"): "in a key policy, * is the key itself"}


def _environment(name: str, folder: Path) -> Environment:
    return load(name) if name not in VARIANTS else environment(folder, *VARIANTS[name])


def _findings(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the findings of parliament for a document, of every severity, as issue and detail."""
    # Parliament requires a resource even in trust documents, where AWS allows none.
    statements = [{key: value for key, value in s.items() if key != "Principal"} for s in document["Statement"]]
    if not all("Resource" in statement for statement in statements):
        return []
    findings = analyze_policy_string(json.dumps({**document, "Statement": statements})).findings
    return [(finding.issue, str(finding.detail)) for finding in findings]


def _problems(documents: Iterable[tuple[str, dict[str, Any]]], accepted: Collection[tuple[str, str]]) -> list[str]:
    """Return the findings that are not accepted, and the accepted ones that no longer exist."""
    findings = [(file, *finding) for file, document in documents for finding in _findings(document)]
    unaccepted = [f"{file}: {issue} {detail}" for file, issue, detail in findings if (file, issue) not in accepted]
    reported = {(file, issue) for file, issue, _ in findings}
    return unaccepted + [f"{file}: {issue} is accepted but no longer found" for file, issue in set(accepted) - reported]


def test_parliament_reports_only_accepted_findings(tmp_path: Path) -> None:
    documents = [
        (policy.file, policy.document) for name in _NAMES for policy in policies.policies(_environment(name, tmp_path))
    ]
    assert len(documents) > 50
    assert _problems(documents, ACCEPTED) == []


def test_parliament_reports_an_unknown_action() -> None:
    actions = {"Sid": "Guide", "Effect": "Allow", "Action": ["sqs:DeleteMessageBatch"], "Resource": ["*"]}
    document = {"Version": "2012-10-17", "Statement": [actions]}
    (problem,) = _problems([("a.json", document)], [])
    assert problem.startswith("a.json: UNKNOWN_ACTION")
    assert _problems([("a.json", document)], [("a.json", "UNKNOWN_ACTION")]) == []


def test_a_stale_accepted_finding_is_reported() -> None:
    actions = {"Sid": "Guide", "Effect": "Allow", "Action": ["sqs:DeleteMessage"], "Resource": ["*"]}
    document = {"Version": "2012-10-17", "Statement": [actions]}
    assert "a.json: UNKNOWN_ACTION is accepted but no longer found" in _problems(
        [("a.json", document)], [("a.json", "UNKNOWN_ACTION")]
    )


@pytest.mark.parametrize("name", _NAMES)
def test_cfn_lint_and_cdk_nag_report_nothing(name: str, tmp_path: Path) -> None:
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, _environment(name, tmp_path))
    # A finding that is not acknowledged with a reason fails the synthesis.
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    templates = sorted(stack.template_full_path for stack in app.synth().stacks)
    assert [str(match) for path in templates for match in lint(Path(path).read_text(), None)] == []


class _Recorder:
    """Recorder that takes acknowledgments in place of CDK, so that CDK reports the acknowledged findings."""

    given: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def of(cls, construct: Construct) -> _Recorder:
        return cls(construct.node.path)

    def acknowledge(self, *acknowledgments: Acknowledgment) -> None:
        self.given.extend((self.path, acknowledgment.id) for acknowledgment in acknowledgments)


@pytest.mark.parametrize("name", ["simple", "full", "existing-stack"])
def test_every_acknowledged_finding_still_exists(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.resources.nag.Validations", _Recorder)
    _Recorder.given.clear()
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, _environment(name, tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    (report,) = json.loads((tmp_path / "out/validation-report.json").read_text())["pluginReports"]
    violations = {
        (construct["constructPath"], violation["ruleName"])
        for violation in report["violations"]
        for construct in violation["violatingConstructs"]
    }
    stale = [
        (path, rule)
        for path, rule in _Recorder.given
        if not any(other == rule and (place == path or place.startswith(f"{path}/")) for place, other in violations)
    ]
    assert stale == []
    assert len(_Recorder.given) > 3


def test_cdk_nag_reports_a_wildcard_policy(tmp_path: Path) -> None:
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
def test_every_statement_has_a_reason_and_every_wildcard_its_own(name: str, tmp_path: Path) -> None:
    for policy in policies.policies(_environment(name, tmp_path)):
        assert len({statement.sid for statement in policy.statements}) == len(policy.statements)
        for statement in policy.statements:
            assert statement.sid.isalnum()
            assert len(statement.reason.split()) > 3
            # In a key policy, * means the key itself. A denial may use any wildcard.
            wild = any("*" in resource for resource in statement.resources)
            named = policy.file != "kms-key-policy.json" and statement.effect == "Allow" and not statement.principals
            assert not (wild and named) or statement.wildcard
