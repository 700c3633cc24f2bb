"""The report of a probe, as Markdown without names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from vpc_flow_logs.answer import Answer, State
from vpc_flow_logs.terminal import printable

NOT_ASKED = (
    Answer(
        "Hadoop's FileSystem reaches the checkpoint through the JVM gateway",
        "not asked",
        ("the job does not use it: Unity Catalog gives it no credentials",),
    ),
)
"""Questions that only an earlier version depended on."""

_TITLES: dict[State, str] = {
    "does not hold": "Does not hold",
    "holds": "Holds",
    "seen": "Seen",
    "not asked": "Not asked",
}


def markdown(answers: Iterable[Answer], *, version: str, when: str, mask: Callable[[str], str]) -> str:
    """Return the report."""
    every = [*answers, *NOT_ASKED]
    lines = [
        "# Probe report",
        "",
        f"Version {version}, {when}. Names, accounts, hosts, addresses and IDs are masked.",
        "Read the report before you share it. An answer that does not hold is not always a fault: it describes this",
        "workspace and account.",
        "",
    ]
    for state, title in _TITLES.items():
        of_state = [answer for answer in every if answer.state == state]
        lines.append(f"- {title}: {len(of_state)}")
    for state, title in _TITLES.items():
        of_state = [answer for answer in every if answer.state == state]
        if of_state:
            lines += ["", f"## {title}"]
        for answer in of_state:
            lines += ["", f"**{answer.question}**", *_block([mask(fact) for fact in answer.facts])]
    return "\n".join(lines) + "\n"


def _block(facts: Sequence[str]) -> list[str]:
    """Return facts as a code block. Outside a code block, Markdown would treat ``<account>`` as an HTML tag."""
    if not facts:
        return []
    return ["", "```text", *(printable(fact).replace("```", "'''") for fact in facts), "```"]
