"""The stage's certificate: valid only for this machine, and accepted by Python's strictest verification."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from local.aws import certificate


def handshake(server_certificate: certificate.Certificate, name: str) -> None:
    """Connect to a server with the certificate, as a client that trusts only this certificate and expects the name."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(server_certificate.file, server_certificate.key)
    client_context = ssl.create_default_context(cafile=str(server_certificate.file))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    client, server = socket.socketpair()

    def serve() -> None:
        try:
            server_context.wrap_socket(server, server_side=True).close()
        except ssl.SSLError:
            server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client_context.wrap_socket(client, server_hostname=name).close()
    finally:
        client.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_certificate_can_connect(name: str, tmp_path: Path) -> None:
    handshake(certificate.make(tmp_path), name)


def test_the_certificate_is_not_valid_for_another_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificate.make(tmp_path), "example.com")


def test_only_the_owner_can_read_the_key(tmp_path: Path) -> None:
    assert certificate.make(tmp_path).key.stat().st_mode & 0o077 == 0
