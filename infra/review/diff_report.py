"""What became wider and narrower, for people: what, where, why the statement is there, how to accept it.

On a terminal one screen, however much it is; as a table for a page all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam import Policy
from infra.review.iam_diff import Change

MOST_STATEMENTS = 5
MOST_GRANTS = 2
"""So many are told of; the rest is counted."""


def comparison(name: str, found: Sequence[Change], policies: Sequence[Policy], *, asked: str) -> str:
    """The text for an environment, whose policies are ``policies`` now; ``asked`` is the name or path of its file."""
    if not found:
        return f"{name}: access is what it was"
    wider = [change for change in found if change.wider]
    narrower = [change for change in found if not change.wider]
    if not wider:
        return "\n".join([f"{name}: access became narrower", *_statements("narrower", narrower, policies)])
    verdict = f"{len(wider)} grants became wider" if len(wider) > 1 else "1 grant became wider"
    besides = [f"Narrower besides: {_count(narrower)}"] if narrower else []
    return "\n".join(
        [
            f"{name}: {verdict}",
            *_statements("WIDER", wider, policies),
            "",
            *besides,
            f"To accept it: run make review ENV={asked}, commit review/{name}/, and let who answers for IAM",
            "approve the pull request with this list at hand. Once it is merged, the base has it: this passes again.",
        ]
    )


def table(name: str, found: Sequence[Change], policies: Sequence[Policy]) -> str:
    """The same as Markdown, every change in a row of its own: the wider ones first."""
    if not found:
        return f"### {name}: access is what it was\n"
    reasons = {(policy.file, each.sid): each.reason for policy in policies for each in policy.statements}
    wider = sum(change.wider for change in found)
    verdict = f"{wider} wider, {len(found) - wider} narrower" if wider else "access became narrower"
    rows = [
        (
            "**wider**" if change.wider else "narrower",
            f"`{change.file}`",
            change.sid,
            change.text,
            reasons.get((change.file, change.sid), ""),
        )
        for change in sorted(found, key=lambda change: not change.wider)
    ]
    lines = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    head = "| Access | Document | Statement | What | Why the statement is there |\n|---|---|---|---|---|"
    return "\n".join([f"### {name}: {verdict}\n", head, *(f"| {line} |" for line in lines), ""])


def _statements(what: str, found: Sequence[Change], policies: Sequence[Policy]) -> list[str]:
    reasons = {(policy.file, each.sid): each.reason for policy in policies for each in policy.statements}
    titles = {policy.file: f" ({policy.title})" for policy in policies}
    places = list(dict.fromkeys((change.file, change.sid) for change in found))
    lines: list[str] = []
    for file, sid in places[:MOST_STATEMENTS]:
        texts = [change.text for change in found if (change.file, change.sid) == (file, sid)]
        lines += ["", f"{what}: {file}, statement {sid}{titles.get(file, '')}"]
        lines += [f"    {text}" for text in texts[:MOST_GRANTS]]
        if len(texts) > MOST_GRANTS:
            lines.append(f"    … and {len(texts) - MOST_GRANTS} more")
        if (file, sid) in reasons:
            lines.append(f"    why it is there: {reasons[file, sid]}")
    rest = [change for change in found if (change.file, change.sid) in places[MOST_STATEMENTS:]]
    return [*lines, "", f"… and {_count(rest)}"] if rest else lines


def _count(found: Sequence[Change]) -> str:
    files = sorted({change.file for change in found})
    grants = f"{len(found)} grants" if len(found) > 1 else "1 grant"
    return f"{grants} in {', '.join(files)}"
