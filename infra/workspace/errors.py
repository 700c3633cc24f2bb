"""What goes wrong with a deployment, as one sentence that says what to do. No secret is ever part of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST = 900
"""Characters of a message: CloudFormation cuts its events at about 1,000."""

# Tokens and OAuth secrets of Databricks, access keys of AWS, bearer tokens.
_SECRET = re.compile(
    r"\bdapi[0-9a-f]{32}(?:-[0-9]+)?\b|\bdose[0-9a-f]{32}\b|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w.-]{20,}"
)


class DeploymentError(Exception):
    """The deployment cannot go on; the text is the whole message, for people and for CloudFormation's event."""


class NotYet(Exception):
    """There is something to wait for that outlasts this call; the text says what. Call again later."""


def sentence(text: str, *, secrets: Iterable[str] = ()) -> str:
    """A text for an event or a terminal: on one line, cut, and without any secret."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "(secret)")
    text = " ".join(_SECRET.sub("(secret)", text).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def listed(problems: Sequence[str], *, and_then: str) -> str:
    """Several problems as one sentence, and what to do about them."""
    return f"{'; '.join(problems)}. {and_then}"
