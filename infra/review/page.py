"""The page that an IAM reviewer begins with: who may do what on what, under which condition, and why."""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam import Policy, Statement

HEADING = "# Who may do what:"
"""What every such page begins with."""

_HEAD = """\
{heading} {name}{part}

Made by `make review` from the environment file `{name}.toml` and the code; do not edit. Each table is one IAM
document, in the file that it names; account numbers and names are those of the environment.
"""


def page(name: str, policies: Sequence[Policy], made_by_cdk: Sequence[str], *, part: str = "") -> str:
    """The page as Markdown, for an environment's policies and the files of documents that CDK makes by itself."""
    sections = [_HEAD.format(heading=HEADING, name=name, part=part), *(_section(policy) for policy in policies)]
    if made_by_cdk:
        files = "\n".join(f"- [{file}]({file})" for file in made_by_cdk)
        sections.append(f"## Made by CDK for its own functions\n\n{files}\n")
    return "\n".join(sections)


def _section(policy: Policy) -> str:
    rows = "\n".join(_row(statement) for statement in policy.statements)
    return (
        f"## {policy.title}\n\n[{policy.file}]({policy.file})\n\n"
        f"| Statement | Who | {_verb(policy)} | On | Only if | Why |\n|---|---|---|---|---|---|\n{rows}\n"
    )


def _verb(policy: Policy) -> str:
    return "May, may not" if any(statement.effect == "Deny" for statement in policy.statements) else "May"


def _row(statement: Statement) -> str:
    denied = "**not** " if statement.effect == "Deny" else ""
    why = f"{statement.reason}. Wildcard: {statement.wildcard}" if statement.wildcard else statement.reason
    who = [name if name != "*" else "everybody" for _, name in statement.principals] or ["the role"]
    conditions = [
        f"{operator} {key} {', '.join(sorted(values))}"
        for operator, keys in sorted(statement.conditions.items())
        for key, values in sorted(keys.items())
    ]
    cells = [
        statement.sid,
        _lines(who),
        denied + _lines([f"`{action}`" for action in sorted(statement.actions)]),
        _lines([f"`{resource}`" for resource in sorted(statement.resources)]) or "itself",
        _lines(conditions),
        why,
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _lines(values: Sequence[str]) -> str:
    return "<br>".join(values)
