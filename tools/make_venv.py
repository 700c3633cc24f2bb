"""Create a venv and install a lock file into it: ``python3 tools/make_venv.py .venv requirements.txt``.

The first step of setup, run by the machine's ``python3``. The code works on Python 3.6, so that an old Python can
report that it is too old.
"""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, NoReturn

OLDEST = (3, 10)
EVERY = 10.0  # seconds between two lines of progress
INSTALLING = "Installing collected packages: "
# pip replaces its own packages first. The lines about that stay the last ones while it installs all others.
UNINSTALLING = ("Attempting uninstall", "Found existing installation", "Uninstalling", "Successfully uninstalled")


def main(venv: str, lock: str) -> None:
    """Create ``venv`` with this Python, or keep a venv of this Python version, and install ``lock`` into it."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST:
        stop(
            f"{sys.executable} is Python {version}, but 3.10 or newer is required. "
            "Select another Python, for example: make setup PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian and Ubuntu ship Python without it
        import venv as _  # noqa: F401, PLC0415
    except ImportError:
        stop(
            f"{sys.executable} (Python {version}) cannot create virtual environments because it lacks `venv`.\n"
            "  On Debian and Ubuntu: sudo apt-get install python3-venv\n"
            "  Or select another Python, for example: make setup PYTHON=python3.12"
        )
    python = os.path.join(venv, "bin", "python")
    if not same_python(python):
        say(f"Python {version}: creating {venv}")
        run([sys.executable, "-m", "venv", "--clear", venv], "the virtual environment could not be created")
    say(f"Python packages of {lock}: 1 to 2 GB on disk, a few minutes the first time")
    # The lock file has a hash for every file, so pip installs exactly these files.
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    # PySpark is a source distribution. No version of pip warns about a build with --use-pep517.
    run([*install, "--use-pep517", "--requirement", lock], f"pip could not install {lock} (see above)")
    # Editable: tests and the local stage run the source in job/. A deployment ships a wheel of it.
    run([*install, "--no-deps", "--no-build-isolation", "--editable", "job"], "pip could not install job/ (see above)")


def same_python(python: str) -> bool:
    """Return True if ``python`` runs from the folder it was created in and has the version of this Python."""
    question = f"import os, sys; print(sys.version_info[:3] == {sys.version_info[:3]} and os.path.realpath(sys.prefix))"
    try:
        answer = subprocess.check_output([python, "-c", question], text=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.strip() == os.path.realpath(os.path.dirname(os.path.dirname(python)))


def run(command: "list[str]", problem: str) -> None:
    """Run ``command``, print its progress every few seconds, and exit with ``problem`` if it fails.

    Errors of the command are shown at once. If it fails, the end of its other output is shown as well.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True, errors="replace")
    assert process.stdout is not None
    latest: deque[str] = deque(maxlen=5)
    steps: deque[str] = deque(maxlen=1)
    reader = threading.Thread(target=keep_latest, args=(process.stdout, latest, steps), daemon=True)
    reader.start()
    started = time.time()
    while reader.is_alive():
        reader.join(EVERY)
        if reader.is_alive() and steps:
            say(f"{time.time() - started:3.0f} s: {steps[-1]}")
    if process.wait() != 0:
        for line in latest:
            print("  | " + line, file=sys.stderr, flush=True)
        stop(problem + "\n  Nothing is broken. Fix the cause and run the same make target again.")


def keep_latest(lines: "IO[str]", latest: "deque[str]", steps: "deque[str]") -> None:
    """Read all lines; keep the last ones in ``latest``, and the last one that shows what pip does in ``steps``."""
    for line in lines:
        text = line.strip().partition(" (from ")[0]
        latest.append(text[:200])
        if not text.startswith(UNINSTALLING):
            steps.append(step(text))


def step(line: str) -> str:
    """Return a line of pip as a step of setup: the number of packages instead of a list of all their names."""
    names = line[len(INSTALLING) :].split(", ") if line.startswith(INSTALLING) else []
    return f"installing {len(names)} packages" if len(names) > 1 else line[:200]


def say(line: str) -> None:
    """Print one line of progress."""
    print("  " + line, flush=True)


def stop(problem: str) -> NoReturn:
    """Exit with a message and status 1."""
    sys.exit("setup: " + problem)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 tools/make_venv.py VENV LOCK_FILE")
    main(sys.argv[1], sys.argv[2])
