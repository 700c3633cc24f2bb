"""The ``[answers]`` table of an environment file: its schema and its rule."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from infra.environment import field_types as v
from infra.environment.flow_logs.schema import Section
from infra.environment.problems import Problem
from vpc_flow_logs.parameters import names_table_problem


class Answers(Section):
    """``[answers]``: the views and table functions that answer questions about the records."""

    names_table: v.TableName | None = Field(
        default=None,
        description="[catalog.][schema.]name of a table with names of addresses (default: none). The answers show the "
        "name next to each address; the job's principal needs `SELECT` on the table",
        examples=["network.inventory.cidr_names"],
    )


def problems(answers: Answers, *, table: str) -> Iterator[Problem]:
    """Yield a problem if the names table has the name of the view that the job creates from it.

    Args:
        answers: The section.
        table: Name of the records table.
    """
    if answers.names_table and (problem := names_table_problem(answers.names_table, table)):
        yield Problem("answers.names_table", problem)
