"""MiniStack as a child process that ends with its parent, whatever happens to either."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.aws import certificate
from local.aws.emulator import HERE, Emulator, opener, trust

ACCOUNT = "000000000000"
REGION = "us-east-1"
_START_SECONDS = 60
_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")


class NotStarted(RuntimeError):
    """MiniStack did not come up; the message ends with what it said last."""


@contextmanager
def running(folder: Path, *, account: str = ACCOUNT, region: str = REGION, tls: bool = True) -> Iterator[Emulator]:
    """A MiniStack on a free port of 127.0.0.1; all that it writes is in a folder, and it ends with the block.

    It checks each request's signature and what IAM allows. Several can run at once. Without ``tls`` it talks plain
    http, which policies such as the log bucket's refuse. Raises :class:`NotStarted`.
    """
    folder = folder.resolve()
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    made = certificate.make(folder) if tls else None
    secret = secrets.token_urlsafe()
    # The port is taken here and handed over, so nobody else can take it in between.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        stage = Emulator(
            url=f"{'https' if tls else 'http'}://127.0.0.1:{port}",
            certificate=made.file if made else None,
            account=account,
            region=region,
            folder=folder,
            secret=secret,
        )
        process = _started(stage, listener, key=made.key if made else None)
    try:
        _wait(stage, process)
        yield stage
    finally:
        # Nothing in it is kept, so nothing has to end in order; its functions are in its process group.
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
            # Ctrl-C is the parent's to handle.
            start_new_session=True,
        )
    # The pipe stays open as long as this process lives; then the child kills itself.
    assert process.stdin
    try:
        process.stdin.write(f"{stage.secret}\n".encode())
        process.stdin.flush()
    except OSError as error:
        _kill(process)
        raise NotStarted(f"MiniStack did not start: {error}\n{_said(stage)}") from error
    return process


def _environment(stage: Emulator, *, port: int, key: Path | None) -> dict[str, str]:
    """What MiniStack reads, see its README, and little else: its functions have it too, and AWS's have no more."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": stage.account,
        "MINISTACK_REGION": stage.region,
        # No other listeners.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It would remove containers that it takes for its own.
        "DOCKER_HOST": f"unix://{stage.folder}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        # The waiter of the custom resource asks every 30 seconds; here nothing takes that long.
        "SFN_WAIT_SCALE": "0.1",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": str(stage.folder / "state"),
        "S3_DATA_DIR": str(stage.folder / "s3"),
        "TMPDIR": str(stage.folder / "tmp"),
        "HOME": str(stage.folder / "tmp"),
        # Functions run on the Python and the Node that are beside this Python.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        # Its own folder is another one, and an entry may be relative to this process's.
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": HERE,
        "no_proxy": HERE,
    }
    if stage.certificate:
        own |= {"USE_SSL": "1", "MINISTACK_SSL_CERT": str(stage.certificate), "MINISTACK_SSL_KEY": str(key)}
        # For the functions: they answer CloudFormation by TLS.
        own |= trust(stage.certificate)
    return {**kept, **own}


def _wait(stage: Emulator, process: subprocess.Popen[bytes]) -> None:
    ask = opener(stage.certificate)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with ask.open(f"{stage.url}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise NotStarted(f"MiniStack did not start; the end of {stage.log}:\n{_said(stage)}")


def _said(stage: Emulator) -> str:
    return stage.log.read_text(errors="replace")[-2000:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()
