"""Errors of a deployment, each a single line with the cause and the next step. Messages never contain secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST = 900
"""Maximum length of a message in characters: CloudFormation truncates its events at about 1,000."""

_FEWEST = 100
"""Minimum number of characters kept before the advice, regardless of how long the advice is."""

_GAP = " … "

# Databricks tokens and OAuth secrets, AWS access keys, and bearer tokens.
_SECRET = re.compile(
    r"\bdapi[0-9a-f]{32}(?:-[0-9]+)?\b|\bdose[0-9a-f]{32}\b|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w.-]{20,}"
)

# EC2 adds about a thousand characters that only sts:DecodeAuthorizationMessage can decode.
# Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
_ENCODED = re.compile(r"(encoded authorization failure message:)\s*[\w+/=-]+", re.IGNORECASE)


class DeploymentError(Exception):
    """The deployment cannot continue. The text is the complete message for the terminal and CloudFormation's event.

    Attributes:
        summary: the failed action and the cause, in this project's wording.
        detail: the service's own message; shortened if the complete message is too long.
        advice: the next step; never shortened.
    """

    def __init__(self, summary: str, *, detail: str = "", advice: str = "") -> None:
        """Compose the message from its parts."""
        super().__init__(composed(summary, detail=detail, advice=advice))
        self.summary = summary
        self.detail = detail
        self.advice = advice

    def message(self, *, more: str = "", secrets: Iterable[str] = ()) -> str:
        """Return the message with the secrets masked and ``more`` appended to the advice."""
        advice = ". ".join(text.rstrip(".") for text in (self.advice, more) if text)
        return composed(self.summary, detail=self.detail, advice=advice, secrets=secrets)


class NotYet(Exception):
    """The deployment waits for something that takes longer than this call; the text names it. Call again later."""


def composed(
    summary: str, *, detail: str = "", advice: str = "", secrets: Iterable[str] = (), limit: int = LONGEST
) -> str:
    """Compose a message from a description, a service's message and advice, and shorten all but the advice to fit.

    Args:
        summary: the failed action and the cause. If it ends with a colon, the service's message follows; otherwise the
            service's message is in parentheses.
        detail: the service's message, in full. Shortening keeps the beginning and the end.
        advice: the next step.
        secrets: strings to mask.
        limit: maximum length of the message in characters. Only longer advice can exceed it.
    """
    hidden = list(secrets)
    summary, detail, advice = (_clean(text, hidden) for text in (summary, detail, advice))
    detail = _ENCODED.sub(r"\1 (left out)", detail).rstrip(".")
    before, after = (" ", "") if summary.endswith(":") else (" (", ")")
    end = f". {advice}" if advice else ""
    room = max(limit - len(end), _FEWEST)
    if detail:
        detail_room = max(room - len(summary) - len(before) - len(after), _FEWEST // 2)
        summary = f"{summary}{before}{_shortened(detail, detail_room)}{after}"
    return f"{_shortened(summary.rstrip('.') if end else summary, room)}{end}"


def sentence(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Prepare a message for an event or a terminal: on one line, shortened in the middle, with secrets masked."""
    return composed(text, secrets=secrets)


def printable(text: str) -> str:
    """Escape nonprintable characters: `cdk deploy` prints events, and a terminal interprets escape sequences.

    The job's ``terminal.printable`` does the same, but the function's zip does not contain the job.
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def listed(problems: Sequence[str], *, room: int) -> str:
    """Return as many complete problems as fit into ``room`` characters, and the number of the others."""
    for number in range(len(problems), 1, -1):
        left = len(problems) - number
        text = "; ".join([*problems[:number], *([f"and {left} more"] if left else [])])
        if len(text) <= room:
            return text
    first, *others = problems
    return "; ".join([first, *([f"and {len(others)} more"] if others else [])])


def _clean(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "(secret)")
    line = " ".join(_SECRET.sub("(secret)", text).split())
    return printable(line)


def _shortened(text: str, room: int) -> str:
    """Remove the middle of a message that is too long: the beginning and the end are the most informative parts."""
    if len(text) <= room:
        return text
    end = (room - len(_GAP)) // 2
    return f"{text[: room - len(_GAP) - end]}{_GAP}{text[len(text) - end :]}"
