"""What child processes of a stage are told: where it is, and nothing that could lead to a real account."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from local.aws import Credentials, Emulator
from local.aws.emulator import trust

STAGE = Emulator(
    url="https://127.0.0.1:4566",
    certificate=Path("certificate.pem"),
    account="111122223333",
    region="eu-central-1",
    folder=Path("stage"),
    secret="word",
)


def test_a_child_finds_the_stage_and_no_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("HTTP_OF_MINE", "kept")
    told = STAGE.environment()
    assert told["AWS_ENDPOINT_URL"] == STAGE.url
    assert told["AWS_ACCESS_KEY_ID"] == STAGE.account
    assert told["AWS_REGION"] == told["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert told["HTTP_OF_MINE"] == "kept"
    assert "AWS_PROFILE" not in told
    assert "AWS_SESSION_TOKEN" not in told
    assert told["AWS_CONFIG_FILE"] == told["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_a_child_may_be_given_a_role_and_another_region() -> None:
    told = STAGE.environment(Credentials(key="ASIA1", secret="s", token="t"), region="us-west-2")
    assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], told["AWS_SESSION_TOKEN"]) == ("ASIA1", "s", "t")
    assert told["AWS_REGION"] == "us-west-2"


def test_python_node_and_the_sdks_trust_the_certificate() -> None:
    told = STAGE.environment()
    assert {told[name] for name in trust(Path("certificate.pem"))} == {"certificate.pem"}
    assert {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"} <= set(trust(Path("x")))
    assert "AWS_CA_BUNDLE" not in replace(STAGE, certificate=None).environment()


def test_secrets_are_not_shown() -> None:
    assert "word" not in repr(STAGE)
    assert "hidden" not in repr(Credentials(key="ASIA1", secret="hidden", token="hidden"))
