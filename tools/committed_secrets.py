"""Check that no secret is committed: ``.venv/bin/python -m tools.committed_secrets``.

The check covers every file that git tracks or would add. ``.secrets.baseline`` lists false positives (names, examples,
values made up for tests) by file and hash. The list has no line numbers, so it does not change when lines move.
``--accept`` rewrites it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.settings import transient_settings

from vpc_flow_logs.progress import counted

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ".secrets.baseline"

# Generated files that consist of hashes.
_LOCK_FILES = ("package-lock.json", "requirements.txt", "requirements-lts.txt", BASELINE)

# Tests contain many made-up values, so only the exact formats of keys and tokens count there.
_TESTS = "tests/"
_GUESSES = ("Secret Keyword", "Base64 High Entropy String", "Hex High Entropy String", "Basic Auth Credentials")


@dataclass(frozen=True, order=True)
class Suspect:
    """Text in a file that looks like a secret. ``line`` is its current position and not part of its identity."""

    file: str
    kind: str
    hash: str
    line: int = 0

    @property
    def known_as(self) -> tuple[str, str, str]:
        return (self.file, self.kind, self.hash)


def suspects(root: Path, files: Iterable[str]) -> list[Suspect]:
    """Return everything in the files that looks like a secret."""
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for file in files:
        if plugins := _plugins(root, file):
            groups[plugins].append(file)
    secrets = SecretsCollection(root=str(root))
    for plugins, group in groups.items():
        with transient_settings({"plugins_used": [{"name": name} for name in plugins]}):
            for file in group:
                secrets.scan_file(file)
    return sorted(
        Suspect(file=file, kind=secret.type, hash=secret.secret_hash, line=secret.line_number)
        for file, secret in secrets
    )


def _plugins(root: Path, file: str) -> tuple[str, ...]:
    """Return the plugins that can find something in the file.

    detect-secrets passes each line to each plugin, which is slow. Most plugins are regular expressions, and one search
    of the whole text shows whether they can match a line.
    """
    text = (root / file).read_text(encoding="utf-8", errors="replace")
    plugins: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    return tuple(
        plugin.__name__
        for kind, plugin in plugins.items()
        if not (kind in _GUESSES and file.startswith(_TESTS)) and _may_match(plugin, text)
    )


def _may_match(plugin: type[BasePlugin], text: str) -> bool:
    if not issubclass(plugin, RegexBasedDetector):
        return True
    patterns = cast("Iterable[re.Pattern[str]]", plugin.denylist)
    return any(re.search(pattern.pattern, text, pattern.flags | re.MULTILINE) for pattern in patterns)


def files_of(root: Path) -> list[str]:
    """Return the files below a folder that git tracks or would add, without lock files."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    files = sorted({name for name in output.split("\0") if name and Path(name).name not in _LOCK_FILES})
    return [name for name in files if (root / name).is_file() and not (root / name).is_symlink()]


def read(baseline: Path) -> set[tuple[str, str, str]]:
    """Return the listed false positives."""
    listed = json.loads(baseline.read_text()) if baseline.is_file() else {}
    return {
        (file, kind, digest) for file, kinds in listed.items() for kind, digests in kinds.items() for digest in digests
    }


def text_of(accepted: Iterable[Suspect]) -> str:
    """Return the text of a baseline file that lists the suspects as false positives."""
    listed: dict[str, dict[str, list[str]]] = {}
    for file, kind, digest in sorted({suspect.known_as for suspect in accepted}):
        listed.setdefault(file, {}).setdefault(kind, []).append(digest)
    return json.dumps(listed, indent=2) + "\n"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Check the files, or accept all suspects; return the exit status."""
    try:
        files = files_of(root)
        # pre-commit names the files of a commit.
        if arguments and arguments != ["--accept"]:
            files = [file for file in files if file in arguments]
    except (OSError, subprocess.CalledProcessError):
        print("This is not a git repository, so no file was checked", file=sys.stderr)
        return 2
    candidates = suspects(root, files)
    if arguments == ["--accept"]:
        (root / BASELINE).write_text(text_of(candidates))
        print(
            f"{BASELINE} lists {counted(len(candidates), 'false positive')}. Check the new entries before you commit it"
        )
        return 0
    known = read(root / BASELINE)
    new = [suspect for suspect in candidates if suspect.known_as not in known]
    for suspect in new:
        print(f"{suspect.file}:{suspect.line}: looks like a secret ({suspect.kind})", file=sys.stderr)
    if new:
        print(
            "Remove it. If it was pushed, revoke it as well. If it is not a secret, list it with\n"
            "  .venv/bin/python -m tools.committed_secrets --accept",
            file=sys.stderr,
        )
        return 1
    print(f"{counted(len(files), 'file')} checked, no secrets found")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
