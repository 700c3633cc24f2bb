"""The CI deploy role: one environment of one repository can assume it, and it can assume only bootstrap roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks
from cfnlint import lint

from infra.ci_access import build
from infra.config import load
from infra.iam.ci_policies import TRUST_FILE, CiAccess, RepositoryError, checked_repository, policies, reviewed
from infra.review import __main__ as review
from infra.review.template_documents import documents_of
from infra.stacks import build as build_main
from tests.infra.conftest import flags
from tests.infra.test_gates import _findings
from tests.infra.test_statements import _mutants
from tests.support.environment_files import FULL, changed, environment
from tests.support.verdicts import Request, is_allowed

_REPOSITORY = "octo-org/flow-logs"
_SUBJECT = f"repo:{_REPOSITORY}:environment:test"
_ROLES = "arn:aws:iam::111122223333:role/cdk-hnb659fds"
_HERE = "111122223333-us-east-1"


def _access(folder: Path, *changes: tuple[str, str]) -> CiAccess:
    return CiAccess(environment=environment(folder, *changes), repository=_REPOSITORY)


def _documents(folder: Path, *changes: tuple[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    trust, deploy = policies(_access(folder, *changes))
    return dict(trust.document), dict(deploy.document)


def _token(**claims: str) -> Request:
    known = {"aud": "sts.amazonaws.com", "sub": _SUBJECT} | claims
    context = {f"token.actions.githubusercontent.com:{key}": value for key, value in known.items() if value}
    return Request(action="sts:AssumeRoleWithWebIdentity", resource="*", context=context)


_TOKENS = [
    (True, _token()),
    (False, _token(sub="repo:octo-org/flow-logs:environment:production")),
    (False, _token(sub="repo:octo-org/flow-logs:ref:refs/heads/main")),
    (False, _token(sub="repo:octo-org/flow-logs:pull_request")),
    (False, _token(sub="repo:octo-org/flow-logs-x:environment:test")),
    (False, _token(sub="repo:other/flow-logs:environment:test")),
    (False, _token(sub="")),
    (False, _token(aud="https://github.com/octo-org")),
    (False, _token(aud="")),
    (False, Request(action="sts:AssumeRole", resource="*", context=_token().context)),
    (False, Request(action="sts:TagSession", resource="*", context=_token().context)),
]


def _without_principals(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without principals, because the evaluator does not support federated principals."""
    statements = [
        {key: value for key, value in statement.items() if key != "Principal"} for statement in document["Statement"]
    ]
    return {**document, "Statement": statements}


def test_only_jobs_of_this_repository_and_environment_can_assume_the_role(tmp_path: Path) -> None:
    trust, _ = _documents(tmp_path)
    assert [statement["Principal"] for statement in trust["Statement"]] == [
        {"Federated": ["arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"]}
    ]
    assert [request for allowed, request in _TOKENS if is_allowed(_without_principals(trust), request) != allowed] == []


def test_every_change_to_the_trust_policy_changes_a_verdict(tmp_path: Path) -> None:
    trust, _ = _documents(tmp_path)
    mutants = list(_mutants(_without_principals(trust)))
    assert len(mutants) > 3
    unnoticed = [
        change
        for _, change, mutant in mutants
        if all(is_allowed(mutant, request) == allowed for allowed, request in _TOKENS)
    ]
    assert unnoticed == []


_CALLS = [
    (True, Request(action="sts:AssumeRole", resource=f"{_ROLES}-deploy-role-{_HERE}")),
    (True, Request(action="sts:AssumeRole", resource=f"{_ROLES}-file-publishing-role-{_HERE}")),
    (True, Request(action="sts:AssumeRole", resource=f"{_ROLES}-lookup-role-{_HERE}")),
    # The role of CloudFormation, which has all permissions, and roles that a deploy does not need.
    (False, Request(action="sts:AssumeRole", resource=f"{_ROLES}-cfn-exec-role-{_HERE}")),
    (False, Request(action="sts:AssumeRole", resource=f"{_ROLES}-image-publishing-role-{_HERE}")),
    (False, Request(action="sts:AssumeRole", resource=f"{_ROLES}-deploy-role-111122223333-eu-west-1")),
    (False, Request(action="sts:AssumeRole", resource=f"{_ROLES}-deploy-role-{_HERE}-x")),
    (False, Request(action="sts:AssumeRole", resource=f"{_ROLES}-file-publishing-role-{_HERE}-x")),
    (False, Request(action="sts:AssumeRole", resource=f"{_ROLES}-lookup-role-{_HERE}-x")),
    (False, Request(action="sts:AssumeRole", resource="arn:aws:iam::111122223333:role/admin")),
    (False, Request(action="sts:TagSession", resource=f"{_ROLES}-deploy-role-{_HERE}")),
    (False, Request(action="iam:PassRole", resource=f"{_ROLES}-deploy-role-{_HERE}")),
]


def test_the_role_can_assume_the_bootstrap_roles_and_nothing_else(tmp_path: Path) -> None:
    _, deploy = _documents(tmp_path)
    assert [request for allowed, request in _CALLS if is_allowed(deploy, request) != allowed] == []


def test_every_change_to_the_role_policy_changes_a_verdict(tmp_path: Path) -> None:
    _, deploy = _documents(tmp_path)
    unnoticed = [
        change
        for _, change, mutant in _mutants(deploy)
        if all(is_allowed(mutant, request) == allowed for allowed, request in _CALLS)
    ]
    assert unnoticed == []


def test_the_policy_names_the_bootstrap_roles_of_every_account_and_region_of_the_file(tmp_path: Path) -> None:
    _, deploy = _documents(tmp_path, *FULL)
    (statement,) = deploy["Statement"]
    places = {arn.split(":")[4] + arn.split("role-")[-1] for arn in statement["Resource"]}
    assert places == {"111122223333111122223333-us-east-1", "999988887777999988887777-eu-west-1"}
    assert len(statement["Resource"]) == 6


def test_linters_report_nothing(tmp_path: Path) -> None:
    assert [_findings(document) for document in _documents(tmp_path, *FULL)] == [[], []]
    app = App(context=flags(), outdir=str(tmp_path / "out"))
    build(app, _access(tmp_path, *FULL), new_provider=True)
    # A finding that is not acknowledged with a reason fails the synthesis.
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    (stack,) = app.synth().stacks
    assert [str(match) for match in lint(Path(stack.template_full_path).read_text(), None)] == []


@pytest.mark.parametrize("new", [True, False], ids=["new provider", "existing provider"])
def test_the_template_has_the_reviewed_documents_and_no_others(new: bool, tmp_path: Path) -> None:
    access = _access(tmp_path)
    template = Template.from_stack(build(App(context=flags()), access, new_provider=new)).to_json()
    documents = documents_of(template, account="111122223333", region="us-east-1")
    assert [document.document for document in documents] == [policy.document for policy in policies(access)]
    types = sorted(resource["Type"] for resource in template["Resources"].values())
    assert types == (["AWS::IAM::OIDCProvider"] if new else []) + ["AWS::IAM::Role"]


def test_a_new_provider_is_created_before_the_role_and_retained_after_it(tmp_path: Path) -> None:
    template = Template.from_stack(build(App(context=flags()), _access(tmp_path), new_provider=True))
    ((provider_id, provider),) = template.find_resources("AWS::IAM::OIDCProvider").items()
    (role,) = template.find_resources("AWS::IAM::Role").values()
    assert provider["DeletionPolicy"] == "Retain"
    assert provider["Properties"]["Url"] == "https://token.actions.githubusercontent.com"
    assert role["DependsOn"] == [provider_id]


def test_a_permissions_boundary_in_cdk_json_applies_to_every_role_of_both_apps(tmp_path: Path) -> None:
    context = {**flags(), "@aws-cdk/core:permissionsBoundary": {"name": "limits"}}
    ci_stack = build(App(context=context), _access(tmp_path, *FULL), new_provider=True)
    main_stack = build_main(App(context=context), environment(tmp_path, *FULL))
    for stack in (ci_stack, main_stack):
        roles = Template.from_stack(stack).find_resources("AWS::IAM::Role")
        assert roles
        assert all("policy/limits" in json.dumps(role["Properties"]["PermissionsBoundary"]) for role in roles.values())


@pytest.mark.parametrize("name", ["a/b", "octo-org/flow.logs_1", "octo-org@123/flow-logs@4567890"])
def test_a_valid_repository_name_is_accepted(name: str) -> None:
    assert checked_repository(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "flow-logs", "https://github.com/a/b", "a/b/c", "a/*", "*/b", "a/b:ref", "a@1/b", "a/b@1", "-a/b", "a/b\n"],
)
def test_an_invalid_repository_name_is_rejected_with_the_valid_form(name: str) -> None:
    with pytest.raises(RepositoryError, match="-c repository=ORG/REPO") as error:
        checked_repository(name)
    # Each of these three events gives a repository the longer subject.
    assert "created, renamed or transferred since July 15, 2026" in str(error.value)


def test_the_review_keeps_the_repository_of_the_last_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "FOLDER", tmp_path / "review")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test.toml").write_text(changed())
    assert reviewed(tmp_path / "review/ci-access/test", load("test.toml")) is None
    assert review.main(["--env", "test.toml", "--repository", "octo-org@1/flow-logs@2"]) == 0
    access = reviewed(tmp_path / "review/ci-access/test", load("test.toml"))
    assert access is not None
    assert access.repository == "octo-org@1/flow-logs@2"
    assert review.main(["--env", "test.toml"]) == 0
    assert review.main(["--env", "test.toml", "--check"]) == 0


def test_wider_ci_access_fails_the_review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(review, "FOLDER", tmp_path / "review")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test.toml").write_text(changed())
    assert review.main(["--env", "test.toml", "--repository", _REPOSITORY]) == 0
    assert review.main(["--env", "test.toml", "--against", "review"]) == 0
    (tmp_path / "review").rename(tmp_path / "base")
    assert review.main(["--env", "test.toml", "--repository", "octo-org/other"]) == 0
    capsys.readouterr()
    assert review.main(["--env", "test.toml", "--against", "base"]) == 1
    assert "ci-access/test: access became wider (1 grant)" in capsys.readouterr().out


def test_a_trust_document_without_a_repository_is_an_error(tmp_path: Path) -> None:
    (tmp_path / TRUST_FILE).write_text("{}")
    with pytest.raises(RepositoryError, match="--repository ORG/REPO"):
        reviewed(tmp_path, environment(tmp_path))


def test_the_committed_review_matches_the_code() -> None:
    folder = review.FOLDER / review.CI_ACCESS / "staging"
    access = reviewed(folder, load("staging"))
    assert access is not None
    committed = {path.name: path.read_text() for path in folder.iterdir()}
    assert committed == review.ci_review(access), "run make review ENV=staging, and commit the changes"


def test_a_comparison_appends_a_table_to_the_pull_request_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "FOLDER", tmp_path / "review")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test.toml").write_text(changed())
    assert review.main(["--env", "test.toml", "--repository", _REPOSITORY]) == 0
    (tmp_path / "review").rename(tmp_path / "base")
    (tmp_path / "test.toml").write_text(changed(('"flow-logs-bucket"', '"flow-logs-bucket"\nprefix = "net"')))
    assert review.main(["--env", "test.toml", "--repository", "octo-org/other"]) == 0
    (tmp_path / "summary.md").write_text("# before\n")
    assert review.main(["--env", "test.toml", "--against", "base", "--summary", "summary.md"]) == 1
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("# before\n### test: ")
    assert "### ci-access/test: 1 wider, 1 narrower" in summary
    rows = [line for line in summary.splitlines() if line.startswith(("| **wider**", "| narrower"))]
    assert all(line.count(" | ") == 4 for line in rows)
    assert any(
        "`ci-deploy-role-trust.json` | GitHubEnvironment | " in line and "octo-org/other" in line for line in rows
    )
