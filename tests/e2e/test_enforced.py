"""The policies on an AWS that enforces them: each call that needs an action passes, and forbidden calls fail."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.iam import policies
from tests.support.calls import BUCKET, CALLS, FORBIDDEN, LOG, OUTPUT, SECRET, Caller
from tests.support.environment_files import STACK, environment
from tests.support.ministack import ROOT, Emulator, role, running

_IN_BUCKET = (
    'checkpoint_path = "/Volumes/network/flow_logs/checkpoints/test"',
    'checkpoint_path = "s3://flow-logs-bucket/checkpoints/flow_logs"',
)
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "403"}

# IAM allowed the call; then S3 rejected it because the bucket has ACLs disabled.
_ALLOWED = {"AccessControlListNotSupported"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("ministack"), tls=True) as emulator:
        emulator.client("s3").create_bucket(Bucket=BUCKET)
        emulator.client("secretsmanager").create_secret(Name=SECRET, SecretString="{}")
        yield emulator


def _documents(folder: Path, *changes: tuple[str, str]) -> dict[str, dict[str, Any]]:
    generated = policies.policies(environment(folder, _IN_BUCKET, *changes))
    return {policy.file: policy.document for policy in generated}


def _is_denied(call: str, caller: Caller) -> bool:
    """Return whether a call of CALLS or FORBIDDEN is denied; raise any other error."""
    caller.prepare()
    try:
        {**CALLS, **FORBIDDEN}[call](caller)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED | _ALLOWED:
            raise
        return error.response["Error"]["Code"] in _DENIED
    return False


def _name(file: str, notifications: str) -> str:
    """Return the name of topic and queue: one as Auto Loader chooses it, or the stack's."""
    return "vpc-flow-logs-test" if notifications == "stack" else "databricks-auto-ingest-test"


_CASES = [
    ("reader-role-s3.json", "auto-loader"),
    ("reader-role-notifications.json", "auto-loader"),
    ("reader-role-notifications.json", "stack"),
    ("registration-role.json", "auto-loader"),
]
# Only Lambda itself makes these calls, to write its log.
_LOG_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}


def _with_the_real_secret_arn(document: dict[str, Any], stage: Emulator) -> dict[str, Any]:
    """Return the document with the secret's ARN on the stage, which chose its last six characters."""
    arn = stage.client("secretsmanager").describe_secret(SecretId=SECRET)["ARN"]
    changed: dict[str, Any] = json.loads(re.sub('"arn:aws:secretsmanager:[^"]*"', f'"{arn}"', json.dumps(document)))
    return changed


@pytest.mark.parametrize(("file", "notifications"), _CASES)
def test_every_action_is_needed_and_sufficient_for_its_call(
    file: str, notifications: str, stage: Emulator, tmp_path: Path
) -> None:
    changes = [STACK] if notifications == "stack" else []
    document = _with_the_real_secret_arn(_documents(tmp_path, *changes)[file], stage)
    name = f"{file.removesuffix('.json')}-{notifications}"
    caller = Caller(stage, role(stage, name, {"p": json.dumps(document)}), name=_name(file, notifications))
    iam = stage.client("iam")
    actions = sorted({action for statement in document["Statement"] for action in statement["Action"]} - _LOG_ACTIONS)
    problems = []
    for action in actions:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        if _is_denied(action, caller):
            problems.append(f"{action} is denied with the unchanged policy")
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(_without(document, action)))
        if not _is_denied(action, caller):
            problems.append(f"{action} is allowed without the action")
    assert problems == []
    assert len(actions) > 3


def _without(document: dict[str, Any], action: str) -> dict[str, Any]:
    narrower = copy.deepcopy(document)
    for statement in narrower["Statement"]:
        statement["Action"] = [kept for kept in statement["Action"] if kept != action]
    narrower["Statement"] = [statement for statement in narrower["Statement"] if statement["Action"]]
    return narrower


@pytest.mark.parametrize("notifications", ["auto-loader", "stack"])
def test_every_other_call_of_the_reader_is_denied(notifications: str, stage: Emulator, tmp_path: Path) -> None:
    documents = _documents(tmp_path, *([STACK] if notifications == "stack" else []))
    stage.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(documents["log-bucket-policy.json"]))
    owner = Caller(stage, ROOT, name="other")
    owner.prepare()
    readers = {
        file: json.dumps(documents[file])
        for file in documents
        if file.startswith("reader-role-") and "trust" not in file
    }
    caller = Caller(stage, role(stage, f"all-{notifications}", readers), name=_name("", notifications))
    assert [call for call in FORBIDDEN if not _is_denied(call, caller)] == []
    stage.client("s3").delete_bucket_policy(Bucket=BUCKET)


def test_the_bucket_policy_alone_grants_the_reader_its_folders(stage: Emulator, tmp_path: Path) -> None:
    """Each action of step 3 in the guide is sufficient and needed for its call."""
    document = _documents(tmp_path)["log-bucket-policy.json"]
    caller = Caller(stage, role(stage, "flow-log-reader", {}), name="databricks-auto-ingest-test")
    s3 = stage.client("s3")
    readers = [statement for statement in document["Statement"] if statement["Sid"].startswith("Reader")]
    problems = []
    for action in sorted({action for statement in readers for action in statement["Action"]}):
        for policy, denied in ((document, False), (_without(document, action), True)):
            s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
            if _is_denied(action, caller) != denied:
                problems.append(f"{action}: denied is {not denied}")
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert problems == []


def test_plain_http_is_denied_even_if_the_role_allows_the_call(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    documents = _documents(tmp_path)
    with running(tmp_path_factory.mktemp("plain"), tls=False) as plain:
        plain.client("s3").create_bucket(Bucket=BUCKET)
        reader = role(plain, "flow-log-reader", {"s3": json.dumps(documents["reader-role-s3.json"])})
        caller = Caller(plain, reader, name="databricks-auto-ingest-test")
        calls = ["s3:ListBucket", "s3:GetObject", "s3:PutObject"]
        assert [call for call in calls if _is_denied(call, caller)] == []
        plain.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(documents["log-bucket-policy.json"]))
        assert [call for call in calls if not _is_denied(call, caller)] == []


def test_the_object_keys_of_the_calls_match_the_policies(tmp_path: Path) -> None:
    (logs,) = (
        s["Resource"][0] for s in _documents(tmp_path)["reader-role-s3.json"]["Statement"] if s["Sid"] == "ReadLogs"
    )
    assert f"arn:aws:s3:::{BUCKET}/{LOG}".startswith(logs.rstrip("*"))
    assert OUTPUT.startswith("checkpoints/flow_logs/")
