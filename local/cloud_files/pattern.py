"""Which files a load path means: a folder, a file, or a glob in any part, as Auto Loader reads them.

Auto Loader's own globbing differs from Spark's: the path is a prefix filter and ``*`` also goes across ``/``
(``/a/*/c`` takes ``/a/b/x/y/c/file``); ``cloudFiles.useStrictGlobber=true`` gives Spark's.
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
        strict: ``*`` ends at ``/``, as in Spark's other file sources.
        literal: the beginning of the path that has no wildcards, whatever characters it has.

    Raises:
        CloudFilesError: for a bracket or brace that is never closed.
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
        """Return the pattern of a path on this machine, where what exists is meant before what matches.

        A folder may be called ``logs [prod]``. The names of the path are taken as they are up to the first one that
        has wildcards and does not exist.

        Raises:
            CloudFilesError: for a bracket or brace that is never closed.
        """
        literal = ""
        for name in path.rstrip("/").split("/")[1:]:
            if _MAGIC.search(name) and not os.path.lexists(f"{literal}/{name}"):
                break
            literal = f"{literal}/{name}"
        return cls(path, strict=strict, literal=literal)

    @property
    def root(self) -> str:
        """The deepest folder that holds everything the pattern can match."""
        return os.path.dirname(self._literal) if self.is_glob else self.path

    @property
    def prefix(self) -> str:
        """What the path of every file that it means begins with, if it means a folder or a glob."""
        return self._literal if self.is_glob else self.path.rstrip("/") + "/"

    @property
    def asks_for_hidden(self) -> bool:
        """Whether the name below the root is written out and starts with ``_`` or ``.``, as in ``/a/_x*``."""
        return self.is_glob and is_hidden(os.path.basename(self._literal))

    def may_hold(self, folder: str) -> bool:
        """Whether matches can lie below ``folder``; like an object store's prefix, it knows the literal part only."""
        return folder.startswith(self._literal) or self._literal.startswith(folder.rstrip("/") + "/")

    def matches(self, file: str) -> bool:
        """Whether the pattern means this file: itself, or by a folder that holds it."""
        return self._regex.fullmatch(file) is not None


def is_hidden(name: str) -> bool:
    """Whether Spark skips a file or folder of this name: half-written files are called so until they are whole."""
    return name.startswith(("_", "."))


def to_regex(glob: str, *, crossing: bool) -> str:
    """Translate a Hadoop glob: ``? * [abc] [a-z] [^a] {ab,c{d,e}}``, a backslash takes the next character as it is.

    Args:
        glob: the pattern.
        crossing: whether ``*`` also matches ``/``.

    Raises:
        CloudFilesError: for a bracket or brace that is never closed.
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
    # Everything but the range's dash is escaped: `[` and `&&` would mean something to Python.
    return "[" + ("^" if negated else "") + re.sub(r"([\[\\&~|^])", r"\\\1", inside[negated:]) + "]"
