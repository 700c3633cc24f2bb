"""Select a stream's files by their path: by the load path and ``pathGlobFilter``, without hidden files."""

from __future__ import annotations

import re

from local.cloud_files.pattern import Pattern, is_hidden, to_regex


class Selection:
    """The files of a load path that a stream reads.

    Args:
        pattern: the load path.
        glob_filter: ``pathGlobFilter``, a glob for file names.
    """

    def __init__(self, pattern: Pattern, *, glob_filter: str | None = None) -> None:
        self.pattern = pattern
        self._filter = re.compile(to_regex(glob_filter, crossing=False)) if glob_filter else None

    def takes(self, path: str) -> bool:
        """Return whether a stream reads the file at this path."""
        return self.pattern.matches(path) and self.takes_name(path.rpartition("/")[2]) and not self._is_hidden(path)

    def takes_name(self, name: str) -> bool:
        """Return whether ``pathGlobFilter`` allows this file name."""
        return self._filter is None or self._filter.fullmatch(name) is not None

    def _is_hidden(self, path: str) -> bool:
        below = path[len(self.pattern.root.rstrip("/")) + 1 :].split("/")
        return any(map(is_hidden, below[1:] if self.pattern.asks_for_hidden else below))
