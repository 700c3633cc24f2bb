"""Let the Java from PyPI trust this machine's certificate authorities.

That runtime trusts only public authorities. A company's proxy may sign with a private authority that the machine
trusts. So this module writes the machine's list, as Python reads it, to a Java key store.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from pathlib import Path
from struct import pack

_VERSION = 2
_TRUSTED_CERTIFICATE = 2
_PASSWORD = "changeit"  # Java's default for a list of public certificates; it protects nothing


def write_trust_store(path: Path) -> bool:
    """Write the machine's certificate authorities to ``path``. Return False, without a file, if Python finds none."""
    certificates = ssl.create_default_context().get_ca_certs(binary_form=True)
    if certificates:
        path.write_bytes(key_store(certificates))
    else:
        path.unlink(missing_ok=True)
    return bool(certificates)


def key_store(certificates: Sequence[bytes]) -> bytes:
    """Return a key store in Java's JKS format that trusts the given DER certificates."""
    store = pack(">III", 0xFEEDFEED, _VERSION, len(certificates))
    for number, certificate in enumerate(certificates):
        store += pack(">I", _TRUSTED_CERTIFICATE) + _text(f"authority-{number}") + pack(">q", 0)
        store += _text("X.509") + pack(">I", len(certificate)) + certificate
    digest = hashlib.sha1(_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + store, usedforsecurity=False)
    return store + digest.digest()


def _text(text: str) -> bytes:
    return pack(">H", len(text)) + text.encode("ascii")
