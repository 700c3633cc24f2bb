"""MiniStack as a child process that ends with its parent, even if the parent is killed."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.aws import certificate
from local.aws.emulator import HERE, Emulator, opener, trust
from local.processes import end_session

ACCOUNT = "000000000000"
REGION = "us-east-1"
_START_SECONDS = 60
_INHERITED = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")


class NotStarted(RuntimeError):
    """MiniStack did not start; the message ends with its last output."""


@contextmanager
def running(folder: Path, *, account: str = ACCOUNT, region: str = REGION, tls: bool = True) -> Iterator[Emulator]:
    """Run MiniStack on a free port of 127.0.0.1 during the block. Several can run at once.

    It checks each request's signature and IAM permissions.

    Args:
        folder: the folder for all its files.
        account: the default account.
        region: the default region.
        tls: False for plain HTTP, which policies such as the log bucket's deny.

    Raises:
        NotStarted: MiniStack did not start.
    """
    folder = folder.resolve()
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    files = certificate.make(folder) if tls else None
    secret = secrets.token_urlsafe()
    # Bind the port here and pass the socket on, so that no other process can take the port in between.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        stage = Emulator(
            url=f"{'https' if tls else 'http'}://127.0.0.1:{port}",
            certificate=files.file if files else None,
            account=account,
            region=region,
            folder=folder,
            secret=secret,
        )
        process = _started(stage, listener, key=files.key if files else None)
    try:
        _wait(stage, process)
        yield stage
    finally:
        # No data is kept, so there is no orderly shutdown. Its Lambda functions are in its session.
        _kill(process)


def _started(stage: Emulator, listener: socket.socket, *, key: Path | None) -> subprocess.Popen[bytes]:
    with stage.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.aws.inside", str(listener.fileno())],
            env=_environment(stage, port=listener.getsockname()[1], key=key),
            cwd=stage.folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            # The parent handles Ctrl-C.
            start_new_session=True,
        )
    # The pipe stays open while this process lives; when it closes, the child kills itself.
    assert process.stdin
    try:
        process.stdin.write(f"{stage.secret}\n".encode())
        process.stdin.flush()
    except OSError as error:
        _kill(process)
        raise NotStarted(f"MiniStack did not start: {error}\n{_last_output(stage)}") from error
    return process


def _environment(stage: Emulator, *, port: int, key: Path | None) -> dict[str, str]:
    """Return the variables that MiniStack reads (see its README) and few others: its Lambda functions get them, too."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    own = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": stage.account,
        "MINISTACK_REGION": stage.region,
        # Start no other listeners.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Without this, it would remove containers that it mistakes for its own.
        "DOCKER_HOST": f"unix://{stage.folder}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        # The waiter of the custom resource polls every 30 seconds; here no step takes that long.
        "SFN_WAIT_SCALE": "0.1",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": str(stage.folder / "state"),
        "S3_DATA_DIR": str(stage.folder / "s3"),
        "TMPDIR": str(stage.folder / "tmp"),
        "HOME": str(stage.folder / "tmp"),
        # Functions run on the Python and the Node in the folder of this Python.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        # Absolute, because its working directory is not this process's.
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": HERE,
        "no_proxy": HERE,
    }
    if stage.certificate:
        own |= {"USE_SSL": "1", "MINISTACK_SSL_CERT": str(stage.certificate), "MINISTACK_SSL_KEY": str(key)}
        # For the functions, which send their responses to CloudFormation over TLS.
        own |= trust(stage.certificate)
    return {**inherited, **own}


def _wait(stage: Emulator, process: subprocess.Popen[bytes]) -> None:
    ask = opener(stage.certificate)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with ask.open(f"{stage.url}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise NotStarted(f"MiniStack did not start. The end of {stage.log}:\n{_last_output(stage)}")


def _last_output(stage: Emulator) -> str:
    return stage.log.read_text(errors="replace")[-2000:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    end_session(process.pid)
    process.wait()
    if process.stdin:
        process.stdin.close()
