"""The values of options, read from the texts that Spark hands over; what is wrong with them is collected."""

from __future__ import annotations

import re
from collections.abc import Mapping

TAG = "cloudfiles.resourcetag."
"""What the name of an option that is a tag begins with, in lower case."""

RESERVED_TAGS = ("vendor", "path", "checkpointLocation", "streamId")
"""Tags that Auto Loader sets by itself."""

TAG_CHARACTERS = r"\w\s.:/=+@-"
"""What AWS allows in a tag's key and value."""

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


class Values:
    """Options by their name, in which upper and lower case make no difference.

    Attributes:
        given: the options, their names in lower case.
        problems: what is wrong, each with the option's name, its value and what is allowed.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = {name.lower(): value for name, value in given.items()}
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        """A text; None for none or an empty one."""
        return self.given.get(name.lower(), "").strip() or None

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.given.get(name.lower(), str(default)).strip().lower()
        if value not in ("true", "false"):
            self.problems.append(f"{name} = {value!r}: allowed are true and false")
        return value == "true"

    def count(self, name: str) -> int | None:
        """A number of things, from 1."""
        value = self.given.get(name.lower())
        if value is None:
            return None
        if not re.fullmatch(r"0*[1-9][0-9]{0,17}", value.strip(), re.ASCII):
            self.problems.append(f"{name} = {value!r}: allowed are whole numbers from 1")
            return None
        return int(value)

    def size(self, name: str) -> int | None:
        """Bytes, from 1."""
        value = self.given.get(name.lower())
        if value is None:
            return None
        size = re.fullmatch(r"0*([1-9][0-9]{0,14})([kmgt]?)b?", value.strip().lower(), re.ASCII)
        if size is None:
            self.problems.append(f"{name} = {value!r}: allowed are bytes from 1, also as in 10k, 10m, 10g")
            return None
        return int(size[1]) << _UNITS[size[2]]

    def interval(self, name: str) -> int | None:
        """Seconds, given as in ``1 day`` or ``1 hour 30 minutes``."""
        value = self.given.get(name.lower())
        if value is None:
            return None
        text = " ".join(value.lower().split()).removeprefix("interval ")
        part = r"([0-9]{1,6}) (second|minute|hour|day|week)s?"
        seconds = sum(int(count) * _SECONDS[unit] for count, unit in re.findall(part, text, re.ASCII))
        if not re.fullmatch(f"{part}(?: {part})*", text, re.ASCII) or not seconds:
            self.problems.append(f"{name} = {value!r}: allowed are intervals such as 30 minutes, 1 day, 1 week")
            return None
        return seconds

    def tags(self) -> tuple[tuple[str, str], ...]:
        """The tags of what is made in AWS, sorted. Spark hands over names in lower case, so tags' keys come in it."""
        found = sorted((name.removeprefix(TAG), value) for name, value in self.given.items() if name.startswith(TAG))
        problems = [f"{key!r} = {value!r}: {why}" for key, value in found if (why := _tag_problem(key, value))]
        if len(found) + len(RESERVED_TAGS) > 50:
            problems.append(f"{len(found)} tags: AWS allows 50, of which Auto Loader sets {len(RESERVED_TAGS)}")
        if problems:
            self.problems.append(
                "[CF_EVENT_NOTIFICATION_SETUP_FAILED.INVALID_RESOURCE_TAGS] Failed to set up file notification"
                " resources for Auto Loader. Invalid resource tag in cloudFiles.resourceTag: " + ", ".join(problems)
            )
        return tuple(found)


def _tag_problem(key: str, value: str) -> str | None:
    if key in {name.lower() for name in RESERVED_TAGS}:
        return "the key is Auto Loader's own"
    if key.startswith("aws:"):
        return "keys that begin with aws: are AWS's own"
    if not 1 <= len(key) <= 128 or len(value) > 256:
        return "allowed are 1 to 128 characters in a key and 256 in a value"
    if not re.fullmatch(f"[{TAG_CHARACTERS}]*", key + value):
        return "allowed are letters, digits, spaces and _ . : / = + - @"
    return None
