"""Reports on wider and narrower access: each change, its statement and reason, and how to accept it.

The text for a terminal fits one screen. The table for a Markdown page has every change.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam import Policy
from infra.review.iam_diff import Change
from vpc_flow_logs.progress import counted

MOST_STATEMENTS = 5
"""Maximum number of statements that the text shows; it counts the rest."""

MOST_GRANTS = 2
"""Maximum number of grants that the text shows per statement; it counts the rest."""


def comparison(name: str, differences: Sequence[Change], policies: Sequence[Policy], *, env: str) -> str:
    """Return the text for a terminal.

    Args:
        name: Name of the environment.
        differences: The changes in access.
        policies: The environment's policies after the change.
        env: Name or path of the environment file, for the next step.
    """
    if not differences:
        return f"{name}: access is unchanged"
    wider = [change for change in differences if change.wider]
    narrower = [change for change in differences if not change.wider]
    if not wider:
        return "\n".join([f"{name}: access became narrower", *_statements("narrower", narrower, policies)])
    verdict = f"access became wider ({counted(len(wider), 'grant')})"
    also = [f"Also narrower: {_count(narrower)}"] if narrower else []
    return "\n".join(
        [
            f"{name}: {verdict}",
            *_statements("WIDER", wider, policies),
            "",
            *also,
            f"To accept this: run make review ENV={env}, commit review/{name}/, and have your IAM reviewer approve",
            "the pull request with this list. After the merge, the base branch has the change, and this check passes.",
        ]
    )


def table(name: str, differences: Sequence[Change], policies: Sequence[Policy]) -> str:
    """Return a Markdown table with one row per change, wider access first."""
    if not differences:
        return f"### {name}: access is unchanged\n"
    reasons = {(policy.file, each.sid): each.reason for policy in policies for each in policy.statements}
    wider = sum(change.wider for change in differences)
    verdict = f"{wider} wider, {len(differences) - wider} narrower" if wider else "access became narrower"
    rows = [
        (
            "**wider**" if change.wider else "narrower",
            f"`{change.file}`",
            change.sid,
            change.text,
            reasons.get((change.file, change.sid), ""),
        )
        for change in sorted(differences, key=lambda change: not change.wider)
    ]
    lines = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    head = "| Access | Document | Statement | Change | Reason for the statement |\n|---|---|---|---|---|"
    return "\n".join([f"### {name}: {verdict}\n", head, *(f"| {line} |" for line in lines), ""])


def _statements(what: str, differences: Sequence[Change], policies: Sequence[Policy]) -> list[str]:
    reasons = {(policy.file, each.sid): each.reason for policy in policies for each in policy.statements}
    titles = {policy.file: f" ({policy.title})" for policy in policies}
    places = list(dict.fromkeys((change.file, change.sid) for change in differences))
    lines: list[str] = []
    for file, sid in places[:MOST_STATEMENTS]:
        texts = [change.text for change in differences if (change.file, change.sid) == (file, sid)]
        lines += ["", f"{what}: {file}, statement {sid}{titles.get(file, '')}"]
        lines += [f"    {text}" for text in texts[:MOST_GRANTS]]
        if len(texts) > MOST_GRANTS:
            lines.append(f"    … and {len(texts) - MOST_GRANTS} more")
        if (file, sid) in reasons:
            lines.append(f"    reason: {reasons[file, sid]}")
    rest = [change for change in differences if (change.file, change.sid) in places[MOST_STATEMENTS:]]
    return [*lines, "", f"… and {_count(rest)}"] if rest else lines


def _count(differences: Sequence[Change]) -> str:
    files = sorted({change.file for change in differences})
    grants = counted(len(differences), "grant")
    return f"{grants} in {', '.join(files)}"
