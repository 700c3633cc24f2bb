"""A running AWS emulator: its URL, its clients, and the environment that directs child processes to it."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import boto3
from botocore.config import Config

PRIVATE = "/_stage/"
"""URL path of internal AWS operations, which no AWS caller can request. Requests need the stage's secret."""


HERE = "127.0.0.1,localhost"
"""Hosts to reach without a proxy."""


@dataclass(frozen=True)
class Credentials:
    """An access key. A key that is an account ID is the root user of this account."""

    key: str
    secret: str = field(default="secret", repr=False)
    token: str | None = field(default=None, repr=False)


class Refused(Exception):
    """AWS rejects the request; the message has the reason."""


@dataclass(frozen=True)
class Emulator:
    """A running AWS emulator.

    Attributes:
        url: its URL.
        certificate: its TLS certificate; None for plain HTTP.
        account: the default account of its clients.
        region: the default region of its clients.
        folder: holds its log and all its files.
        secret: the bearer token for internal operations.
    """

    url: str
    certificate: Path | None
    account: str
    region: str
    folder: Path
    secret: str = field(repr=False)

    @property
    def root(self) -> Credentials:
        """Credentials of the account's root user, which has all permissions."""
        return Credentials(key=self.account)

    @property
    def log(self) -> Path:
        """The log file."""
        return self.folder / "ministack.log"

    def client(self, service: str, credentials: Credentials | None = None, *, region: str | None = None) -> Any:
        """Return a boto3 client for the stage, as root by default. It does not retry calls."""
        caller = credentials or self.root
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region or self.region,
            verify=str(self.certificate) if self.certificate else None,
            aws_access_key_id=caller.key,
            aws_secret_access_key=caller.secret,
            aws_session_token=caller.token,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
        )

    def environment(self, credentials: Credentials | None = None, *, region: str | None = None) -> dict[str, str]:
        """Return the complete environment of a child process that uses this AWS and no other.

        It consists of this process's variables, except those that could lead to a real account, and the variables that
        boto3, the ``aws`` and ``cdk`` commands, Node, and Python's TLS read. The caller is root by default.
        """
        caller = credentials or self.root
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        own = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": caller.key,
            "AWS_SECRET_ACCESS_KEY": caller.secret,
            "AWS_REGION": region or self.region,
            "AWS_DEFAULT_REGION": region or self.region,
            # Use neither a developer's profiles nor the machine's role.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": HERE,
            "no_proxy": HERE,
            "CDK_HOME": str(self.folder / "cdk"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }
        if caller.token:
            own["AWS_SESSION_TOKEN"] = caller.token
        if self.certificate:
            own |= trust(self.certificate)
        return {**inherited, **own}

    def instance_credentials(self, profile: str, *, seconds: int = 6 * 3600) -> Credentials:
        """Return the temporary credentials of an EC2 instance with an instance profile (name or ARN).

        Raises:
            Refused: the profile does not exist or has no role, or the role does not trust EC2.
        """
        answer = self.ask("instance-credentials", profile=profile, account=self.account, seconds=str(seconds))
        return Credentials(key=answer["key"], secret=answer["secret"], token=answer["token"])

    @contextmanager
    def switched(self, name: str, *, on: bool) -> Iterator[None]:
        """Set a switch of the emulator's behavior during the block; ``local/aws/inside/switches.py`` has the names.

        Raises:
            Refused: the switch is unknown.
        """
        before = self.ask("switch", name=name, on=str(on).lower())["was"]
        try:
            yield
        finally:
            self.ask("switch", name=name, on=str(before).lower())

    def ask(self, operation: str, body: bytes = b"", **parameters: str) -> dict[str, Any]:
        """Request an internal operation of AWS.

        Args:
            operation: the operation; ``local/aws/inside/private.py`` has the names.
            body: the request's body.
            parameters: the operation's parameters.

        Raises:
            Refused: AWS rejects the operation.
        """
        request = urllib.request.Request(
            f"{self.url}{PRIVATE}{quote(operation)}?{urlencode(parameters)}",
            data=body,
            headers={"Authorization": f"Bearer {self.secret}", "Content-Type": "application/octet-stream"},
            method="POST",
        )
        try:
            with opener(self.certificate).open(request, timeout=60) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise
            raise Refused(json.load(error)["reason"]) from None
        return answer


def opener(certificate: Path | None) -> urllib.request.OpenerDirector:
    """Return an opener for the stage's URLs that trusts its certificate and uses no proxy."""
    context = ssl.create_default_context(cafile=str(certificate)) if certificate else None
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def trust(certificate: Path) -> dict[str, str]:
    """Return the variables that make the AWS SDKs, Python and Node trust a certificate."""
    names = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    return dict.fromkeys(names, str(certificate))
