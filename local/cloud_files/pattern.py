"""Match files against a load path: a folder, a file, or a glob in any part, as in Auto Loader.

Auto Loader's globbing differs from Spark's: the path is a prefix filter and ``*`` also matches ``/``
(``/a/*/c`` matches ``/a/b/x/y/c/file``); ``cloudFiles.useStrictGlobber=true`` selects Spark's globbing.
Source: https://docs.databricks.com/aws/en/ingestion/cloud-object-storage/auto-loader/patterns
"""

from __future__ import annotations

import os
import re

from local.cloud_files.error import CloudFilesError

_MAGIC = re.compile(r"[*?\[{\\]")


class Pattern:
    """An absolute load path, with or without wildcards.

    Args:
        path: ``/a/b``, ``/a/*/c``, ``/a/{b,c}[0-9]``; a trailing slash makes no difference.
        strict: whether ``*`` stops at ``/``, as in Spark's other file sources.
        literal: the beginning of the path that is taken literally, even if it contains wildcard characters.

    Raises:
        CloudFilesError: a bracket or brace is never closed.
    """

    def __init__(self, path: str, *, strict: bool = False, literal: str = "") -> None:
        self.path = path.rstrip("/") or "/"
        magic = _MAGIC.search(self.path, len(literal))
        self.is_glob = magic is not None
        self._literal = self.path[: magic.start()] if magic else self.path
        whole = not self.is_glob or strict
        below = "(?:/.*)?" if whole else ".*"
        rest = to_regex(self.path[len(literal) :], crossing=not strict)
        self._regex = re.compile(re.escape(self.path[: len(literal)]) + rest + below, re.DOTALL)

    @classmethod
    def of_folder(cls, path: str, *, strict: bool = False) -> Pattern:
        """Return the pattern of a path on this machine, where existing names take precedence over wildcards.

        A folder can have a name such as ``logs [prod]``. The path is taken literally up to the first name that has
        wildcards and does not exist.

        Raises:
            CloudFilesError: a bracket or brace is never closed.
        """
        literal = ""
        for name in path.rstrip("/").split("/")[1:]:
            if _MAGIC.search(name) and not os.path.lexists(f"{literal}/{name}"):
                break
            literal = f"{literal}/{name}"
        return cls(path, strict=strict, literal=literal)

    @property
    def root(self) -> str:
        """The deepest folder that contains all possible matches."""
        return os.path.dirname(self._literal) if self.is_glob else self.path

    @property
    def prefix(self) -> str:
        """The common prefix of all matching paths, for a folder or a glob."""
        return self._literal if self.is_glob else self.path.rstrip("/") + "/"

    @property
    def asks_for_hidden(self) -> bool:
        """True if the literal start of the name below the root begins with ``_`` or ``.``, as in ``/a/_x*``."""
        return self.is_glob and is_hidden(os.path.basename(self._literal))

    def may_hold(self, folder: str) -> bool:
        """Return whether ``folder`` can contain matches, judged by the literal part of the path only."""
        return folder.startswith(self._literal) or self._literal.startswith(folder.rstrip("/") + "/")

    def matches(self, file: str) -> bool:
        """Return whether the pattern matches this file or a folder that contains it."""
        return self._regex.fullmatch(file) is not None


def is_hidden(name: str) -> bool:
    """Return whether Spark skips files and folders with this name; incomplete files have such names."""
    return name.startswith(("_", "."))


def to_regex(glob: str, *, crossing: bool) -> str:
    """Translate a Hadoop glob: ``? * [abc] [a-z] [^a] {ab,c{d,e}}``; a backslash escapes the next character.

    Args:
        glob: the pattern.
        crossing: whether ``*`` also matches ``/``.

    Raises:
        CloudFilesError: a bracket or brace is never closed.
    """
    parts: list[str] = []
    depth = position = 0
    while position < len(glob):
        character = glob[position]
        position += 1
        if character == "*":
            parts.append(".*" if crossing else "[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            end = glob.find("]", position + 1)
            if end < 0:
                raise CloudFilesError(f"{glob!r}: the bracket at character {position} is never closed; add a ]")
            parts.append(_character_class(glob[position:end]))
            position = end + 1
        elif character == "{":
            parts.append("(?:")
            depth += 1
        elif character == "}" and depth:
            parts.append(")")
            depth -= 1
        elif character == "," and depth:
            parts.append("|")
        else:
            if character == "\\" and position < len(glob):
                character = glob[position]
                position += 1
            parts.append(re.escape(character))
    if depth:
        raise CloudFilesError(f"{glob!r}: a brace is never closed; add a }}")
    return "".join(parts)


def _character_class(inside: str) -> str:
    negated = inside[0] in "^!"
    # Escape everything except the dash of a range: `[` and `&&` have a meaning in Python's regular expressions.
    return "[" + ("^" if negated else "") + re.sub(r"([\[\\&~|^])", r"\\\1", inside[negated:]) + "]"
