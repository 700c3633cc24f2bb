"""MiniStack as a child process: AWS on this machine that checks signatures and enforces IAM."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "111122223333"
REGION = "us-east-1"


@dataclass(frozen=True)
class Credentials:
    """An access key; one that is an account's number is root of that account."""

    key: str
    secret: str = "secret"
    token: str | None = None


ROOT = Credentials(key=ACCOUNT)


@dataclass(frozen=True)
class Stage:
    """A running MiniStack: its URL, and the certificate that it is known by (None: plain http)."""

    url: str
    certificate: Path | None

    def client(self, service: str, credentials: Credentials = ROOT) -> Any:
        """A boto3 client that talks to the stage."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            verify=str(self.certificate) if self.certificate else None,
            aws_access_key_id=credentials.key,
            aws_secret_access_key=credentials.secret,
            aws_session_token=credentials.token,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def role(self, name: str, policies: dict[str, str]) -> Credentials:
        """Make a role with inline policies, or give an existing one just these, and take it on."""
        iam = self.client("iam")
        # The reader's own trust names EC2; here it is root who takes the role on.
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        for policy, document in policies.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
        answer = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="test")
        found = answer["Credentials"]
        return Credentials(key=found["AccessKeyId"], secret=found["SecretAccessKey"], token=found["SessionToken"])


@contextmanager
def running(folder: Path, *, tls: bool) -> Iterator[Stage]:
    """A MiniStack on a free port, with its certificate and its log in a folder; it ends with the block."""
    port = _free_port()
    certificate = _certificate(folder) if tls else None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "TMPDIR": str(folder),
    }
    if certificate:
        environment |= {
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(certificate),
            "MINISTACK_SSL_KEY": str(folder / "key.pem"),
        }
    with (folder / "ministack.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "import ministack.app; ministack.app.main()"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        _wait(url, certificate, process, folder / "ministack.log")
        yield Stage(url=url, certificate=certificate)
    finally:
        # Nothing in it is kept, so nothing has to end in order.
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _certificate(folder: Path) -> Path:
    certificate = folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


def _wait(url: str, certificate: Path | None, process: subprocess.Popen[bytes], log: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate)) if certificate else None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2, context=context):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"MiniStack did not start:\n{log.read_text()[-2000:]}")
