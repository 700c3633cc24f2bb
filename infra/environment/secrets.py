"""Detect secrets in an environment file, and show values without them.

Messages end up in logs and tickets, so they never repeat a value that looks like a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from infra.environment.problems import Problem

# Access keys and session keys of AWS, tokens and OAuth secrets of Databricks, tokens of GitHub, JWTs, private keys.
_SECRET = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bdapi[0-9a-f]{32}(?:-[0-9]+)?\b|\bdose[0-9a-f]{32}\b"
    r"|\bgh[opsur]_[0-9A-Za-z]{30,}\b|\bgithub_pat_[0-9A-Za-z_]{22,}\b"
    r"|\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
# An AWS secret access key has no prefix: it is a separate word of 40 characters, with letters of both cases and digits.
# A word that begins with a slash is treated as a path.
_CHARACTER = "[A-Za-z0-9+/]"
_ACCESS_KEY = re.compile(
    rf"(?:^|(?<=[\s\"'=:,]))(?!/)(?={_CHARACTER}*[a-z])(?={_CHARACTER}*[A-Z])(?={_CHARACTER}*[0-9])"
    rf"{_CHARACTER}{{40}}(?=$|[\s\"',}}])"
)
# Each part can begin at one place only, so the time grows with the length of the text and not with its square.
_PASSWORD_IN_URL = re.compile(r"(?<![a-z0-9+.-])[0-9+.-]*[a-z][a-z0-9+.-]*://[^/\s\":]*:[^/\s\"]*@")
# In comments the name identifies a secret: client_secret = ..., "token": "...".
_NAMED = re.compile(
    r"^[^#]*#.*(?:secret|token|password)[\w\"']*\s*[:=]\s*[\"']?(?!arn:|\.)[^\s\"',}]{6,}", re.IGNORECASE
)

CREDENTIALS = "Store credentials in Secrets Manager and put the secret's ARN in workspace.secret_arn"
SECRET_ADVICE = f"looks like a secret (not shown here). Remove it from the file and from its history. {CREDENTIALS}"


def shown(value: object) -> str:
    """Return a value as the file would write it, truncated to 100 characters; a secret is not shown.

    >>> shown("a"), shown(True), shown(["x"])
    ('"a"', 'true', '["x"]')
    """
    if any(looks_like_secret(text) for _, text in texts(value)):
        return "the value"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else f"{text[:100]}…"


def looks_like_secret(text: str) -> bool:
    """Return whether a string contains a credential of AWS, Databricks or GitHub, a password or a private key."""
    return any(pattern.search(text) for pattern in (_SECRET, _ACCESS_KEY, _PASSWORD_IN_URL))


def without_secrets(text: str) -> str:
    """Return a message from elsewhere, such as a parser's, without anything that looks like a credential."""
    return _SECRET.sub("…", text)


def place_of(place: str, key: str) -> str:
    """Return the place of a key in a table, as the file would write it. A key that looks like a secret is not shown.

    >>> place_of("flow_logs[1].tags", "a:b"), place_of("", "aws")
    ('flow_logs[1].tags."a:b"', 'aws')
    """
    if looks_like_secret(key):
        key = "(a key that is not shown here)"
    elif not re.fullmatch("[A-Za-z0-9_-]{1,64}", key):
        key = shown(key)
    return f"{place}.{key}" if place else key


def texts(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string within a value of a TOML file, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, place_of(place, str(key)))
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from texts(inner, f"{place}[{number}]")


def secrets_in(text: str, raw: object) -> list[Problem]:
    """Return a problem for every secret in a file: keys and values by place, comments and unreadable parts by line."""
    secrets = [*((place, value) for place, value in texts(raw) if looks_like_secret(value)), *_secret_keys(raw)]
    problems = [Problem(place, SECRET_ADVICE) for place, _ in secrets]
    for number, line in enumerate(text.splitlines(), 1):
        reported = any(value in line or line.strip() in value for _, value in secrets)
        if (looks_like_secret(line) or _NAMED.search(line)) and not reported:
            problems.append(Problem(f"line {number}", SECRET_ADVICE))
    return problems


def _secret_keys(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            here = place_of(place, key)
            if looks_like_secret(key):
                yield here, key
            yield from _secret_keys(inner, here)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _secret_keys(inner, f"{place}[{number}]")
