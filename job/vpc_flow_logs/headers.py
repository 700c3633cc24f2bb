"""Check the Headers parameter: the field names that become columns of the table."""

from __future__ import annotations

from collections.abc import Sequence

from vpc_flow_logs.fields import SERVICE_COLUMNS, canonical, column_name, looks_like_name, suggestion


def headers_problem(names: Sequence[str]) -> str | None:
    """Return all reasons that the names cannot be Headers, in one text, or None."""
    names = [name.strip() for name in names]
    problems = []
    seen: dict[str, str] = {}
    for position, name in enumerate(names, 1):
        if not looks_like_name(name):
            problems.append(
                f"name {position}, {name!r}, is not a valid field name (letters, digits and single - or _ between "
                "them, starting with a letter; separate names with commas)"
            )
        elif column_name(name) in SERVICE_COLUMNS:
            problems.append(f"{name!r} is reserved for a column that the job adds")
        elif canonical(name) in seen:
            problems.append(f"{name!r} is a duplicate (first listed as {seen[canonical(name)]!r})")
        seen.setdefault(canonical(name), name)
    return "; ".join(problems) or None


def headers_notes(names: Sequence[str]) -> list[str]:
    """Return notes about names that are valid but are probably misspellings of a documented field name."""
    names = [name.strip() for name in names]
    named = set(map(canonical, names))
    return [
        f"{name!r} is not a field that AWS documents; did you mean {close!r}? If you keep it, the table gets a "
        f"permanent column {column_name(name)!r}"
        for name in names
        if (close := suggestion(name)) and close not in named
    ]
