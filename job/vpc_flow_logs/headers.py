"""Headers: the names of fields that become the columns of the table."""

from __future__ import annotations

from collections.abc import Sequence

from vpc_flow_logs.fields import SERVICE_COLUMNS, canonical, column_name, looks_like_name, suggestion


def headers_problem(names: Sequence[str]) -> str | None:
    """Why names cannot be Headers, all reasons in one text, or None."""
    names = [name.strip() for name in names]
    problems = []
    seen: dict[str, str] = {}
    for position, name in enumerate(names, 1):
        if not looks_like_name(name):
            problems.append(
                f"name {position}, {name!r}, is not a valid field name (letters, digits, single - or _ inside, a "
                "letter first; names are separated by commas)"
            )
        elif column_name(name) in SERVICE_COLUMNS:
            problems.append(f"{name!r} is a column that the table has of its own")
        elif canonical(name) in seen:
            problems.append(f"{name!r} is there twice (first as {seen[canonical(name)]!r})")
        seen.setdefault(canonical(name), name)
    return "; ".join(problems) or None


def headers_notes(names: Sequence[str]) -> list[str]:
    """What is allowed, and probably not meant: unknown names that are close to a documented field."""
    names = [name.strip() for name in names]
    named = set(map(canonical, names))
    return [
        f"{name!r} is not a field that AWS documents; did you mean {close!r}? As it is, the table gets a column "
        f"{column_name(name)!r} for good"
        for name in names
        if (close := suggestion(name)) and close not in named
    ]
