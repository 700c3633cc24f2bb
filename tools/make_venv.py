"""Make a venv and install a lock file into it: ``python3 tools/make_venv.py .venv requirements.txt``.

The first step of set-up, run by whatever ``python3`` is at hand. So nothing here is newer than Python 3.6: an old one
shall get as far as the sentence that says it is too old.
"""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, NoReturn

OLDEST = (3, 10)
EVERY = 10.0  # seconds between two lines on how an installation goes


def main(venv: str, lock: str) -> None:
    """Make ``venv`` with this Python, or keep it when it is one of this Python's, and install ``lock`` into it."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST:
        stop(f"{sys.executable} is Python {version}; 3.10 or newer is needed. Name one: make setup PYTHON=python3.12")
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian and Ubuntu ship Python without it
        import venv as _  # noqa: F401, PLC0415
    except ImportError:
        stop(
            f"{sys.executable} (Python {version}) cannot make virtual environments: it came without `venv`.\n"
            "  On Debian and Ubuntu: sudo apt-get install python3-venv\n"
            "  Or name another Python: make setup PYTHON=python3.12"
        )
    python = os.path.join(venv, "bin", "python")
    if not same_python(python):
        say(f"Python {version}: making {venv}")
        run([sys.executable, "-m", "venv", "--clear", venv], "the virtual environment could not be made")
    say(f"Python packages of {lock}: about 1 GB on disk, a minute or two the first time")
    # The lock file has a hash for every file, so pip takes these and no others.
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    # PySpark comes as source: built in the one way that every pip knows without a warning.
    run([*install, "--use-pep517", "--requirement", lock], f"pip could not install {lock} (see above)")
    # Editable: the job's tests and the local stage run what is in job/, the deployment ships a wheel of it.
    run([*install, "--no-deps", "--no-build-isolation", "--editable", "job"], "pip could not install job/ (see above)")


def same_python(python: str) -> bool:
    """Tell whether ``python`` runs, from where it was made, and has the version of this Python."""
    question = f"import os, sys; print(sys.version_info[:3] == {sys.version_info[:3]} and os.path.realpath(sys.prefix))"
    try:
        answer = subprocess.check_output([python, "-c", question], text=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.strip() == os.path.realpath(os.path.dirname(os.path.dirname(python)))


def run(command: "list[str]", problem: str) -> None:
    """Run ``command``, with a line on what it does every few seconds; end with ``problem`` when it fails.

    What it prints as an error is shown as it comes, and when it fails, the end of what else it printed.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True, errors="replace")
    assert process.stdout is not None
    latest: deque[str] = deque(maxlen=5)
    reader = threading.Thread(target=keep_latest, args=(process.stdout, latest), daemon=True)
    reader.start()
    started = time.time()
    while reader.is_alive():
        reader.join(EVERY)
        if reader.is_alive() and latest:
            say(f"{time.time() - started:3.0f} s: {latest[-1]}")
    if process.wait() != 0:
        for line in latest:
            print("  | " + line, file=sys.stderr, flush=True)
        stop(problem + "\n  Nothing is broken by that: once the cause is gone, run the same make target again.")


def keep_latest(lines: "IO[str]", latest: "deque[str]") -> None:
    """Read all lines; ``latest`` holds the last ones, without where pip found what they name."""
    for line in lines:
        latest.append(line.strip().partition(" (from ")[0][:200])


def say(line: str) -> None:
    """Print one line of progress."""
    print("  " + line, flush=True)


def stop(problem: str) -> NoReturn:
    """End with one message and exit status 1."""
    sys.exit("set-up: " + problem)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 tools/make_venv.py VENV LOCK_FILE")
    main(sys.argv[1], sys.argv[2])
