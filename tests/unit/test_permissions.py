"""Tests of AWS permissions by `verify`: denials, services that do not respond, and missing credentials."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from vpc_flow_logs import notification_permissions, permissions
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.trial import Trial, line, merged, message, missing, printable

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/vpc-flow-logs-test"
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SNS", "AWS_ENDPOINT_URL_STS")


def parameters(notifications: str = "auto-loader", *, path: str = "s3://logs/AWSLogs/*") -> Parameters:
    return Parameters(
        vpc_logs_path=path,
        delta_output_path="",
        checkpoint_path="/Volumes/network/flow_logs/checkpoints/test",
        table_name="network.flow_logs.test",
        region_name="us-east-1",
        headers=("version",),
        notifications=notifications,
        queue_url=QUEUE if notifications == "queue" else None,
    )


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Point every service at an address that accepts connections and never answers."""
    monkeypatch.setattr(permissions, "_READ_SECONDS", 0.2)
    monkeypatch.setattr(permissions, "_ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ENDPOINTS:
            monkeypatch.setenv(name, url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield url


def test_a_service_that_does_not_respond_is_missing_and_the_advice_names_the_endpoint(silent: str) -> None:
    trials = missing(notification_permissions.notifications(parameters("queue")))
    assert [trial.action for trial in trials] == [
        "sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility"
    ]
    assert trials[0].reason == f"{silent.removeprefix('http://')} cannot be reached from here (ReadTimeoutError)"
    assert "interface endpoint com.amazonaws.us-east-1.sqs with private DNS" in trials[0].next_step
    assert 'job.notifications = "off"' in trials[0].next_step


def test_each_unreachable_service_is_reported_separately(silent: str) -> None:
    trials = missing(notification_permissions.notifications(parameters()))
    assert [trial.where for trial in trials] == ["arn:aws:s3:::logs", "*", "*"]
    advice = [trial.next_step for trial in trials]
    assert "gateway endpoint for S3" in advice[0]
    assert [name in text for name, text in zip((".sqs", ".sns"), advice[1:], strict=True)] == [True, True]


def test_an_unreachable_service_gets_one_request(silent: str) -> None:
    calls = permissions.Calls("sqs", region="us-east-1")
    requests: list[str] = []

    def send() -> None:
        requests.append("sent")
        calls.client.list_queues()

    assert {calls.trial(action, "*", send).state for action in ("sqs:ListQueues", "sqs:CreateQueue")} == {"missing"}
    assert requests == ["sent"]


def test_without_credentials_nothing_is_reported_missing_and_the_reason_is_shown(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    trials = notification_permissions.notifications(parameters("queue"))
    assert [trial.state for trial in trials] == ["untried"]
    assert trials[0].reason == "cannot be tested here: Unable to locate credentials"


def test_a_missing_boto3_raises_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ImportError):
        notification_permissions.notifications(parameters())


@pytest.mark.parametrize("notifications", ["auto-loader", "queue", "off"])
def test_a_local_folder_needs_no_aws_requests(notifications: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    local = parameters(notifications, path="/logs")
    assert notification_permissions.notifications(local) == []
    assert permissions.logs(local) == []


def test_listing_needs_no_notification_permissions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert notification_permissions.notifications(parameters("off")) == []


_USER = "User: arn:aws:sts::123456789012:assumed-role/reader/i-0 is not authorized to perform:"


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (
            "AccessDenied",
            f"{_USER} s3:GetObject on resource: arn:aws:s3:::b/k because no policy allows the s3:getobject action",
            "s3:GetObject on arn:aws:s3:::b/k: denied (no policy allows it)",
        ),
        (
            "AccessDenied",
            f"{_USER} s3:GetObject on resource: arn:aws:s3:::b/k with an explicit deny in a service control policy",
            "s3:GetObject on arn:aws:s3:::b/k: denied (an explicit deny in a service control policy)",
        ),
        (
            "AccessDenied",
            f'{_USER} kms:Decrypt on resource: "arn:aws:kms:us-east-1:123456789012:key/1" because no session policy',
            "kms:Decrypt on arn:aws:kms:us-east-1:123456789012:key/1: denied (no session policy)",
        ),
        ("AccessDenied", "Access Denied", "s3:GetObject on arn:aws:s3:::b/k: denied (AccessDenied)"),
        ("NoSuchBucket", "…", "s3:GetObject on arn:aws:s3:::b/k: the bucket does not exist"),
        ("SlowDown", "Please reduce", "s3:GetObject on arn:aws:s3:::b/k: SlowDown: Please reduce"),
    ],
)
def test_a_denial_names_action_resource_and_reason(code: str, text: str, expected: str) -> None:
    trial = permissions._judged("s3:GetObject", "arn:aws:s3:::b/k", code=code, text=text)
    assert (trial.state, trial.text) == ("missing", expected)
    assert trial.next_step


def test_one_message_lists_everything_that_is_missing() -> None:
    lacking = [
        Trial("missing", "s3:ListBucket", "arn:aws:s3:::b", "denied (AccessDenied)", "Allow it"),
        Trial("missing", "sqs:ListQueues", "*", "denied (AccessDenied)", "Allow it"),
        Trial("missing", "USE SCHEMA", "network.flow_logs", "no such schema", "Create it"),
    ]
    assert message(lacking, next_step="Look again.").splitlines() == [
        "The run failed: 3 things are missing:",
        "  - s3:ListBucket on arn:aws:s3:::b: denied (AccessDenied)",
        "  - sqs:ListQueues on *: denied (AccessDenied)",
        "  - USE SCHEMA on network.flow_logs: no such schema",
        "Allow it.",
        "Create it.",
        "Look again.",
    ]
    assert message(lacking[:1], next_step="").startswith("The run failed: 1 thing is missing:")


def test_actions_on_one_resource_are_one_line() -> None:
    trials = merged([Trial("ok", "a:A", "r"), Trial("missing", "a:B", "r", "no"), Trial("ok", "a:C", "r")])
    assert [line(trial) for trial in trials] == ["ok:       a:A, a:C on r", "missing:  a:B on r: no"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü.log", "plain ü.log"),
        ("\x1b]0;owned\x07.log", "\\x1b]0;owned\\x07.log"),
        ("a\r\nreadable: b", "a\\r\\nreadable: b"),
        ("\u202egol", "\\u202egol"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert line(Trial("ok", "read", text)) == f"ok:       read on {shown}"
