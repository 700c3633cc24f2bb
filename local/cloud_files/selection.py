"""Which files a stream takes, told by their path alone: by the load path, by ``pathGlobFilter``, and no hidden ones."""

from __future__ import annotations

import re

from local.cloud_files.pattern import Pattern, is_hidden, to_regex


class Selection:
    """A load path with what is left out of it.

    Args:
        pattern: which files are meant.
        glob_filter: ``pathGlobFilter``, a glob for the file's own name.
    """

    def __init__(self, pattern: Pattern, *, glob_filter: str | None = None) -> None:
        self.pattern = pattern
        self._filter = re.compile(to_regex(glob_filter, crossing=False)) if glob_filter else None

    def takes(self, path: str) -> bool:
        """Whether a stream reads the file of this path."""
        return self.pattern.matches(path) and self.takes_name(path.rpartition("/")[2]) and not self._is_hidden(path)

    def takes_name(self, name: str) -> bool:
        """Whether ``pathGlobFilter`` allows a file of this name."""
        return self._filter is None or self._filter.fullmatch(name) is not None

    def _is_hidden(self, path: str) -> bool:
        below = path[len(self.pattern.root.rstrip("/")) + 1 :].split("/")
        return any(map(is_hidden, below[1:] if self.pattern.asks_for_hidden else below))
