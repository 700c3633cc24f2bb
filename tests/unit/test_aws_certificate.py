"""The stage's certificate: for this machine alone, and good enough for the strictest check that Python has."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from local.aws import certificate


def handshake(made: certificate.Certificate, name: str) -> None:
    """A server with the certificate, and a client that trusts only it and asks for a name."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.file, made.key)
    asking = ssl.create_default_context(cafile=str(made.file))
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(theirs, server_side=True).close()
        except ssl.SSLError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        asking.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_it_gets_through(name: str, tmp_path: Path) -> None:
    handshake(certificate.make(tmp_path), name)


def test_it_is_for_no_other_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificate.make(tmp_path), "example.com")


def test_nobody_else_can_read_the_key(tmp_path: Path) -> None:
    assert certificate.make(tmp_path).key.stat().st_mode & 0o077 == 0
