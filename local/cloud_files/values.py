"""Parser of option values, which Spark passes as text; it collects all problems."""

from __future__ import annotations

import re
from collections.abc import Mapping

TAG = "cloudfiles.resourcetag."
"""The prefix of options that are tags, in lowercase."""

RESERVED_TAGS = ("vendor", "path", "checkpointLocation", "streamId")
"""Tags that Auto Loader sets."""

TAG_CHARACTERS = r"\w\s.:/=+@-"
"""The characters that AWS allows in a tag's key and value, for a regular expression."""

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


class Values:
    """Options by name; names are not case-sensitive.

    Attributes:
        given: the options, with names in lowercase.
        problems: the problems, each with the option's name, its value and the allowed values.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = {name.lower(): value for name, value in given.items()}
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        """Return a string; None if it is missing or empty."""
        return self.given.get(name.lower(), "").strip() or None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.given.get(name.lower(), str(default)).strip().lower()
        if value not in ("true", "false"):
            self.problems.append(f"{name} = {value!r}: must be true or false")
        return value == "true"

    def count(self, name: str) -> int | None:
        """Return a count of at least 1; None if it is missing."""
        value = self.given.get(name.lower())
        if value is None:
            return None
        if not re.fullmatch(r"0*[1-9][0-9]{0,17}", value.strip(), re.ASCII):
            self.problems.append(f"{name} = {value!r}: must be a whole number of at least 1")
            return None
        return int(value)

    def size(self, name: str) -> int | None:
        """Return a size in bytes of at least 1; None if it is missing."""
        value = self.given.get(name.lower())
        if value is None:
            return None
        size = re.fullmatch(r"0*([1-9][0-9]{0,14})([kmgt]?)b?", value.strip().lower(), re.ASCII)
        if size is None:
            self.problems.append(
                f"{name} = {value!r}: must be a number of bytes, at least 1, such as 1000, 10k, 10m, 10g"
            )
            return None
        return int(size[1]) << _UNITS[size[2]]

    def interval(self, name: str) -> int | None:
        """Return the seconds of an interval such as ``1 day`` or ``1 hour 30 minutes``; None if it is missing."""
        value = self.given.get(name.lower())
        if value is None:
            return None
        text = " ".join(value.lower().split()).removeprefix("interval ")
        part = r"([0-9]{1,6}) (second|minute|hour|day|week)s?"
        seconds = sum(int(count) * _SECONDS[unit] for count, unit in re.findall(part, text, re.ASCII))
        if not re.fullmatch(f"{part}(?: {part})*", text, re.ASCII) or not seconds:
            self.problems.append(f"{name} = {value!r}: must be an interval such as 30 minutes, 1 day, 1 week")
            return None
        return seconds

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return the tags for AWS resources, sorted. Spark passes names in lowercase, so the keys are in lowercase."""
        tags = sorted((name.removeprefix(TAG), value) for name, value in self.given.items() if name.startswith(TAG))
        problems = [f"{key!r} = {value!r}: {problem}" for key, value in tags if (problem := _tag_problem(key, value))]
        if len(tags) + len(RESERVED_TAGS) > 50:
            problems.append(f"{len(tags)} tags: AWS allows 50, and Auto Loader adds {len(RESERVED_TAGS)}")
        if problems:
            self.problems.append(
                "[CF_EVENT_NOTIFICATION_SETUP_FAILED.INVALID_RESOURCE_TAGS] Failed to set up file notification"
                " resources for Auto Loader. Invalid resource tag in cloudFiles.resourceTag: " + ", ".join(problems)
            )
        return tuple(tags)


def _tag_problem(key: str, value: str) -> str | None:
    if key in {name.lower() for name in RESERVED_TAGS}:
        return "the key is reserved for Auto Loader"
    if key.startswith("aws:"):
        return "keys that begin with aws: are reserved for AWS"
    if not 1 <= len(key) <= 128 or len(value) > 256:
        return "a key must have 1 to 128 characters, and a value at most 256"
    if not re.fullmatch(f"[{TAG_CHARACTERS}]*", key + value):
        return "must have only letters, digits, spaces and _ . : / = + - @"
    return None
