"""The environment of a stage's child processes: it points to the stage and never to a real account."""

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


def test_a_child_process_finds_the_stage_and_no_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("UNRELATED", "kept")
    environment = STAGE.environment()
    assert environment["AWS_ENDPOINT_URL"] == STAGE.url
    assert environment["AWS_ACCESS_KEY_ID"] == STAGE.account
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert environment["UNRELATED"] == "kept"
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_a_child_process_can_get_a_role_and_another_region() -> None:
    environment = STAGE.environment(Credentials(key="ASIA1", secret="s", token="t"), region="us-west-2")
    assert (
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        environment["AWS_SESSION_TOKEN"],
    ) == ("ASIA1", "s", "t")
    assert environment["AWS_REGION"] == "us-west-2"


def test_python_node_and_the_sdks_trust_the_certificate() -> None:
    environment = STAGE.environment()
    assert {environment[name] for name in trust(Path("certificate.pem"))} == {"certificate.pem"}
    assert {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"} <= set(trust(Path("x")))
    assert "AWS_CA_BUNDLE" not in replace(STAGE, certificate=None).environment()


def test_the_repr_hides_secrets() -> None:
    assert "word" not in repr(STAGE)
    assert "hidden" not in repr(Credentials(key="ASIA1", secret="hidden", token="hidden"))
