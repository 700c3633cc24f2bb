"""The time for which files stay on disk after a table stops using them.

Source: https://docs.databricks.com/aws/en/delta/history (``delta.deletedFileRetentionDuration``)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

PROPERTY = "delta.deletedFileRetentionDuration"
"""The table property, an interval such as ``interval 7 days``."""

DEFAULT = "interval 1 week"
"""Delta's default for the property."""

_PART = re.compile(r"(\d+)\s+(week|day|hour|minute|second)s?", re.IGNORECASE)


def retention_of(properties: Mapping[str, str]) -> timedelta | None:
    """Return the retention in the properties of a table; None if it has a form that Delta does not document.

    >>> retention_of({"delta.deletedFileRetentionDuration": "interval 2 days 12 hours"})
    datetime.timedelta(days=2, seconds=43200)
    >>> retention_of({})
    datetime.timedelta(days=7)
    """
    text = properties.get(PROPERTY, DEFAULT).strip()
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip().lower() not in ("", "interval"):
        return None
    return sum((timedelta(**{f"{unit.lower()}s": int(number)}) for number, unit in parts), timedelta())
