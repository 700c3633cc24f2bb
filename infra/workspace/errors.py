"""What goes wrong with a deployment, as one sentence that says what to do. No secret is ever part of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST = 900
"""Characters of a message: CloudFormation cuts its events at about 1,000."""

_FEWEST = 100
"""Characters that are left of what comes before the advice, however long the advice is."""

_GAP = " … "

# Tokens and OAuth secrets of Databricks, access keys of AWS, bearer tokens.
_SECRET = re.compile(
    r"\bdapi[0-9a-f]{32}(?:-[0-9]+)?\b|\bdose[0-9a-f]{32}\b|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\beyJ[\w.-]{20,}"
)

# EC2 adds about a thousand characters that only sts:DecodeAuthorizationMessage can read.
# Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
_ENCODED = re.compile(r"(encoded authorization failure message:)\s*[\w+/=-]+", re.IGNORECASE)


class DeploymentError(Exception):
    """The deployment cannot go on; the text is the whole message, for people and for CloudFormation's event.

    Attributes:
        what: what was being done and why it failed, in our words.
        words: the words of a service; they are shortened where the message gets too long.
        advice: what to do next; it is always kept whole.
    """

    def __init__(self, what: str, *, words: str = "", advice: str = "") -> None:
        """Compose the message of its parts."""
        super().__init__(composed(what, words=words, advice=advice))
        self.what = what
        self.words = words
        self.advice = advice

    def message(self, *, more: str = "", secrets: Iterable[str] = ()) -> str:
        """Return the message without some secrets, and with more advice at its end."""
        advice = ". ".join(text.rstrip(".") for text in (self.advice, more) if text)
        return composed(self.what, words=self.words, advice=advice, secrets=secrets)


class NotYet(Exception):
    """There is something to wait for that outlasts this call; the text says what. Call again later."""


def composed(what: str, *, words: str = "", advice: str = "", secrets: Iterable[str] = (), limit: int = LONGEST) -> str:
    """Compose a message of our words, a service's, and our advice; shorten all but the advice to stay in a limit.

    Args:
        what: what was being done and why it failed; the service's words follow a colon, or come in parentheses.
        words: the service's words, as long as they are. They keep their beginning and their end.
        advice: what to do next.
        secrets: texts to leave out.
        limit: characters of the message. Only an advice that is longer than that exceeds it.
    """
    hidden = list(secrets)
    what, words, advice = (_clean(text, hidden) for text in (what, words, advice))
    words = _ENCODED.sub(r"\1 (left out)", words).rstrip(".")
    before, after = (" ", "") if what.endswith(":") else (" (", ")")
    end = f". {advice}" if advice else ""
    room = max(limit - len(end), _FEWEST)
    if words:
        words_room = max(room - len(what) - len(before) - len(after), _FEWEST // 2)
        what = f"{what}{before}{_shortened(words, words_room)}{after}"
    return f"{_shortened(what.rstrip('.') if end else what, room)}{end}"


def sentence(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Return a text for an event or a terminal: on one line, shortened in the middle, and without any secret."""
    return composed(text, secrets=secrets)


def printable(text: str) -> str:
    """Escape what has no glyph of its own: a terminal obeys escape sequences, and `cdk deploy` prints events.

    The job's ``terminal.printable`` does the same; the function's zip does not have the job.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def listed(problems: Sequence[str], *, room: int) -> str:
    """Return the problems that fit whole into some characters, and how many others there are."""
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
    """Return a text with its middle left out, if it has to be: the beginning and the end say most."""
    if len(text) <= room:
        return text
    end = (room - len(_GAP)) // 2
    return f"{text[: room - len(_GAP) - end]}{_GAP}{text[len(text) - end :]}"
