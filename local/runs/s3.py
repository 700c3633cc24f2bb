"""S3 for Spark: Hadoop's client, with endpoint, region and credentials from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from local.laptop.jars import s3_class_path

# Java requires a password; the content of the file is public.
_PASSWORD = "certificates"


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return Spark's settings for ``s3://``.

    Args:
        environment: ``AWS_ENDPOINT_URL`` and ``AWS_REGION``. Hadoop's client reads the access key from the
            environment of this process.

    Raises:
        JarsError: setup has not downloaded the jars.
    """
    hadoop = {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": environment["AWS_ENDPOINT_URL"],
        "fs.s3a.endpoint.region": environment["AWS_REGION"],
        "fs.s3a.path.style.access": "true",
        "fs.s3a.aws.credentials.provider": "software.amazon.awssdk.auth.credentials."
        "EnvironmentVariableCredentialsProvider",
        # Retries do not help against a denial, and the default settings retry for minutes.
        "fs.s3a.attempts.maximum": "2",
        "fs.s3a.retry.limit": "2",
        "fs.s3a.bucket.probe": "0",
        "fs.s3a.fast.upload.buffer": "bytebuffer",
    }
    s3_class_path()  # raises if the jars are missing
    return {f"spark.hadoop.{key}": value for key, value in hadoop.items()}


def java_options(environment: Mapping[str, str], *, scratch: Path) -> list[str]:
    """Return the options that make Java trust the certificates of ``AWS_CA_BUNDLE``.

    Java reads another format, so the certificates are converted into a file in the folder ``scratch``.
    """
    bundle = environment.get("AWS_CA_BUNDLE")
    if not bundle:
        return []
    store = scratch / "trusted.p12"
    certificates = x509.load_pem_x509_certificates(Path(bundle).read_bytes())
    named = [PKCS12Certificate(each, f"trusted-{number}".encode()) for number, each in enumerate(certificates)]
    store.write_bytes(serialize_java_truststore(named, BestAvailableEncryption(_PASSWORD.encode())))
    trusted = {"trustStore": str(store), "trustStorePassword": _PASSWORD, "trustStoreType": "PKCS12"}
    return [f"-Djavax.net.ssl.{name}={value}" for name, value in trusted.items()]
