"""That nothing secret is committed: ``python -m tools.committed_secrets``.

Looks through every file that git has or would take. What looks like a secret and is none (names, examples, values made
for tests) is listed in ``.secrets.baseline`` by its hash, file by file, without line numbers: so the list stays as it
is when lines move. ``--accept`` writes it anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ".secrets.baseline"

# Long, and hashes only; the tools that write them know no secrets.
_LOCK_FILES = ("package-lock.json", "requirements.txt", "requirements-lts.txt", BASELINE)

# Tests are full of values that are made up; there only what has the shape of a real key or token counts.
_TESTS = "tests/"
_GUESSES = ("Secret Keyword", "Base64 High Entropy String", "Hex High Entropy String", "Basic Auth Credentials")


@dataclass(frozen=True, order=True)
class Suspect:
    """Something in a file that looks like a secret; ``line`` is where it is now, and no part of what it is."""

    file: str
    kind: str
    hash: str
    line: int = 0

    @property
    def known_as(self) -> tuple[str, str, str]:
        return (self.file, self.kind, self.hash)


def suspects(root: Path, files: Iterable[str]) -> list[Suspect]:
    """Everything in these files that looks like a secret."""
    found = SecretsCollection(root=str(root))
    with default_settings():
        for file in files:
            found.scan_file(file)
    return sorted(
        Suspect(file=file, kind=secret.type, hash=secret.secret_hash, line=secret.line_number)
        for file, secret in found
        if not (file.startswith(_TESTS) and secret.type in _GUESSES)
    )


def files_of(root: Path) -> list[str]:
    """The files that git has, or would take, below a folder; lock files left out."""
    asked = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    files = sorted({name for name in told.split("\0") if name and Path(name).name not in _LOCK_FILES})
    return [name for name in files if (root / name).is_file() and not (root / name).is_symlink()]


def read(baseline: Path) -> set[tuple[str, str, str]]:
    """What is known to be no secret."""
    listed = json.loads(baseline.read_text()) if baseline.is_file() else {}
    return {
        (file, kind, digest) for file, kinds in listed.items() for kind, digests in kinds.items() for digest in digests
    }


def text_of(found: Iterable[Suspect]) -> str:
    """The list of what is no secret, as a file."""
    listed: dict[str, dict[str, list[str]]] = {}
    for file, kind, digest in sorted({each.known_as for each in found}):
        listed.setdefault(file, {}).setdefault(kind, []).append(digest)
    return json.dumps(listed, indent=2) + "\n"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Look, or accept what is there; return the exit status."""
    try:
        files = files_of(root)
        # pre-commit names the files of a commit.
        if arguments and arguments != ["--accept"]:
            files = [file for file in files if file in arguments]
    except (OSError, subprocess.CalledProcessError):
        print("this is not a git repository: nothing is committed, so nothing was looked at", file=sys.stderr)
        return 2
    found = suspects(root, files)
    if arguments == ["--accept"]:
        (root / BASELINE).write_text(text_of(found))
        print(
            f"{BASELINE}: {len(found)} that look like secrets and are none; read what is new in it before you commit it"
        )
        return 0
    known = read(root / BASELINE)
    new = [each for each in found if each.known_as not in known]
    for each in new:
        print(f"{each.file}:{each.line}: looks like a secret ({each.kind})", file=sys.stderr)
    if new:
        print(
            "Take it out, and if it was pushed, make it worthless where it was made. If it is none, list it with\n"
            "  .venv/bin/python -m tools.committed_secrets --accept",
            file=sys.stderr,
        )
        return 1
    print(f"{len(files)} files: nothing secret")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
