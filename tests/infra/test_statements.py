"""The requests that each policy document allows and denies. Every change to a statement changes a verdict."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.iam import policies
from tests.support.environment_files import VARIANTS, environment, maintenance
from tests.support.verdicts import ROLE, Request, is_allowed, read

_REQUESTS = read((Path(__file__).parent / "requests.txt").read_text())
_IDS = ["-".join(key) for key in _REQUESTS]

# Documents without requests: each repeats statements of another document.
_REPEATED = {
    "log-bucket-policy-before-deploy.json": "the delivery statements of log-bucket-policy.json",
    "notification-writer-role-trust.json": "registration-role-trust.json",
    "provider-role-trust.json": "registration-role-trust.json",
    "provider-check-role-trust.json": "registration-role-trust.json",
    "dead-letter-queue-policy.json": "the denial of queue-policy.json",
}

# Harmful actions by service. The mutants add them to a statement.
_HARMFUL = {
    "s3": [
        "s3:PutBucketPolicy",
        "s3:GetBucketPolicy",
        "s3:PutObjectTagging",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:PutBucketAcl",
    ],
    "sns": ["sns:AddPermission", "sns:Subscribe", "sns:ListSubscriptions", "sns:CreateTopic", "sns:ListTopics"],
    "sqs": ["sqs:AddPermission", "sqs:ReceiveMessage", "sqs:SetQueueAttributes", "sqs:PurgeQueue"],
    "kms": ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
    "iam": ["iam:GetRole"],
    "sts": ["sts:TagSession"],
    "logs": ["logs:DeleteLogStream"],
    "secretsmanager": ["secretsmanager:PutSecretValue"],
    "lambda": ["lambda:UpdateFunctionCode", "lambda:InvokeFunction", "lambda:GetFunction"],
    "states": ["states:UpdateStateMachine"],
}


def _document(variant: str, file: str, folder: Path) -> dict[str, Any]:
    documents = policies.policies(environment(folder, *VARIANTS[variant]))
    return next(policy.document for policy in documents if policy.file == file)


@pytest.mark.parametrize("key", _REQUESTS, ids=_IDS)
def test_a_document_allows_only_the_requests_in_the_list(key: tuple[str, str], tmp_path: Path) -> None:
    document = _document(*key, tmp_path)
    mismatches = [request for allowed, request in _requests(key, document) if is_allowed(document, request) != allowed]
    assert mismatches == []


@pytest.mark.parametrize("key", _REQUESTS, ids=_IDS)
def test_every_change_to_a_statement_changes_a_verdict(key: tuple[str, str], tmp_path: Path) -> None:
    document = _document(*key, tmp_path)
    requests = _requests(key, document)
    unnoticed = [
        f"{sid}: {change}"
        for sid, change, mutant in _mutants(document)
        if all(is_allowed(mutant, request) == allowed for allowed, request in requests)
    ]
    assert unnoticed == []


def test_every_document_has_requests(tmp_path: Path) -> None:
    files = {
        policy.file for changes in VARIANTS.values() for policy in policies.policies(environment(tmp_path, *changes))
    }
    assert files == {file for _, file in _REQUESTS} | set(_REPEATED)


def test_documents_without_requests_repeat_statements_of_other_documents(tmp_path: Path) -> None:
    bucket = _document("existing", "log-bucket-policy.json", tmp_path)["Statement"]
    before = _document("existing", "log-bucket-policy-before-deploy.json", tmp_path)["Statement"]
    assert before == [statement for statement in bucket if statement["Sid"].startswith("AWSLogDelivery")]
    full = _document("full", "log-bucket-policy.json", tmp_path)["Statement"]
    assert all(statement["Principal"] != "*" for statement in bucket)
    assert full[0]["Sid"] == "DenyPlainHttp"
    function = _document("simple", "registration-role-trust.json", tmp_path)
    assert _document("existing-stack", "notification-writer-role-trust.json", tmp_path) == function
    assert _document("simple", "provider-role-trust.json", tmp_path) == function
    assert _document("simple", "provider-check-role-trust.json", tmp_path) == function
    (denial,) = _document("full", "dead-letter-queue-policy.json", tmp_path)["Statement"]
    queue = _document("full", "queue-policy.json", tmp_path)["Statement"][1]
    assert denial == {**queue, "Resource": [f"{queue['Resource'][0]}-dead-letters"]}


def test_the_maintenance_job_adds_only_the_folder_of_the_roll_up(tmp_path: Path) -> None:
    """The job rewrites and deletes data files with statements that exist without it."""
    with_job, without = (
        {
            (policy.file, statement.sid): statement
            for policy in policies.policies(loaded)
            for statement in policy.statements
        }
        for loaded in (
            environment(tmp_path, *VARIANTS["full"]),
            environment(tmp_path, *VARIANTS["full"], maintenance("enabled = false")),
        )
    )
    assert with_job.keys() == without.keys()
    added = {
        (*key, resource)
        for key, statement in with_job.items()
        for resource in set(statement.resources) - set(without[key].resources)
    }
    assert added == {
        ("reader-role-s3.json", "FindOutputFolders", "arn:aws:s3:::lake/flow_logs_hourly"),
        ("reader-role-s3.json", "WriteOutputs", "arn:aws:s3:::lake/flow_logs_hourly/*"),
    }
    narrowed = {key: replace(statement, resources=without[key].resources) for key, statement in with_job.items()}
    assert narrowed == without
    assert "s3:DeleteObject" in without["reader-role-s3.json", "WriteOutputs"].actions


def _requests(key: tuple[str, str], document: dict[str, Any]) -> list[tuple[bool, Request]]:
    """Return the listed requests, and near misses of each allowed one: a longer name, another role or service."""
    requests = list(_REQUESTS[key])
    exact = {resource for statement in document["Statement"] for resource in statement.get("Resource", [])}
    has_principals = any("Principal" in statement for statement in document["Statement"])
    for allowed, request in _REQUESTS[key]:
        if allowed and request.resource in exact - {"*"}:
            requests.append((False, replace(request, resource=f"{request.resource}-x")))
        if allowed and has_principals:
            requests.append((False, replace(request, service=None, role=f"{ROLE}-x")))
        if allowed and request.service:
            requests.append((False, replace(request, service="batch.amazonaws.com")))
    return requests


def _mutants(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield copies of a document with one change each, which makes each copy wider or narrower."""
    for number, statement in enumerate(document["Statement"]):
        for change, changed in _changed(statement):
            mutant = copy.deepcopy(document)
            mutant["Statement"][number : number + 1] = [] if changed is None else [changed]
            yield statement["Sid"], change, mutant


def _changed(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    yield "removed", None
    if statement["Effect"] == "Deny":
        for operator in statement["Condition"]:
            yield f"denial without {operator}", {**statement, "Condition": {}}
        return
    actions = statement["Action"]
    for action in actions:
        if len(actions) > 1:
            yield f"without {action}", {**statement, "Action": [other for other in actions if other != action]}
    services = sorted({action.split(":")[0] for action in actions})
    for service in services:
        more = [action for action in _HARMFUL[service] if action not in actions]
        yield f"with more of {service}", {**statement, "Action": [*actions, *more]}
        yield f"with {service}:*", {**statement, "Action": [*actions, f"{service}:*"]}
    yield from _resources(statement)
    yield from _principals(statement)
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            rest = {name: value for name, value in keys.items() if name != key}
            yield f"without {operator} {key}", {**statement, "Condition": {**statement["Condition"], operator: rest}}


def _resources(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    resources = statement.get("Resource", ["*"])
    if resources == ["*"]:
        return
    yield "for any resource", {**statement, "Resource": ["*"]}
    for resource in resources:
        if len(resources) > 1:
            yield f"not for {resource}", {**statement, "Resource": [other for other in resources if other != resource]}
        if not resource.endswith("*"):
            yield f"for {resource}*", {**statement, "Resource": [f"{resource}*"]}
        elif "/" in resource:
            shorter = resource.rstrip("*/").rpartition("/")[0]
            yield f"for {shorter}/*", {**statement, "Resource": [*resources, f"{shorter}/*"]}


def _principals(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    principal = statement.get("Principal", {})
    # If a condition also requires the role, the principal adds nothing.
    if "aws:PrincipalArn" in str(statement.get("Condition")):
        return
    if principal:
        yield "for everybody", {**statement, "Principal": "*"}
    for kind, other in (("Service", "batch.amazonaws.com"), ("AWS", f"{ROLE}-x")):
        if kind in principal:
            yield f"also for {other}", {**statement, "Principal": {kind: [*principal[kind], other]}}
