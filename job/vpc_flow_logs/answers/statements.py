"""The SQL statements that create the views and table functions of the answers, each with a digest of its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from vpc_flow_logs.answers import names, views
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import ALL_FIELDS, NAMES, SOURCES, Answer, Parameter
from vpc_flow_logs.answers.ocsf import ocsf
from vpc_flow_logs.answers.views import View
from vpc_flow_logs.sql import literal, quoted

MARK = "vpc_flow_logs.view"
"""Table property that marks a view of this job; its value is the digest of the statement."""

COMPLETE = "vpc_flow_logs.answers"
"""Property of the view ``all_fields``: the digest of all statements, once all objects exist."""


@dataclass(frozen=True)
class Statement:
    """A statement that creates a view or a function.

    Attributes:
        name: Full name of the object, not quoted.
        is_view: True for a view, False for a function.
        digest: Digest of the definition. It is stored with the object, so that a change is detected.
        sql: The statement.
    """

    name: str
    is_view: bool
    digest: str
    sql: str


def statements(table_name: str, types: Mapping[str, str], *, named: View | None = None) -> list[Statement]:
    """Return the statements for a table, in the order in which they can run.

    Args:
        table_name: Full name of the records table.
        types: The table's columns and their SQL types.
        named: The view of the names table, if there is one. The answers then have names next to addresses.
    """
    of_views = [views.service_names(), *([named] if named else []), views.all_fields(quoted(table_name), types)]
    answers = [names.named(answer) for answer in catalog()] if named else catalog()
    sources = sources_of(table_name)
    return [
        *(_view(table_name, view) for view in of_views),
        *(_function(table_name, answer, sources) for answer in answers),
        _view(table_name, ocsf(sources[ALL_FIELDS])),
    ]


def sources_of(table_name: str) -> dict[str, str]:
    """Return the full name of each source that answers read, quoted for SQL."""
    return {source: quoted(object_name(table_name, source)) for source in (*SOURCES, NAMES)}


def object_name(table_name: str, name: str) -> str:
    """Return the full name of a view or function next to a table.

    >>> object_name("network.flow_logs.staging", "top_talkers")
    'network.flow_logs.staging_top_talkers'
    """
    return f"{table_name}_{name}"


def digest_of(texts: list[str]) -> str:
    """Return a short digest of strings."""
    return sha256("\n".join(texts).encode()).hexdigest()[:12]


def mark_of(digest: str) -> str:
    """Return the end of the comment of a function of this job."""
    return f"[vpc_flow_logs {digest}]"


def _view(table_name: str, view: View) -> Statement:
    name = object_name(table_name, view.name)
    columns = ", ".join(f"`{column.name}` COMMENT {literal(column.comment)}" for column in view.columns)
    head, tail = f"CREATE OR REPLACE VIEW {quoted(name)} ({columns}) COMMENT {literal(view.comment)}", view.query
    digest = digest_of([head, tail])
    return Statement(name, True, digest, f"{head} TBLPROPERTIES ({literal(MARK)} = {literal(digest)}) AS {tail}")


def _function(table_name: str, answer: Answer, sources: Mapping[str, str]) -> Statement:
    name = object_name(table_name, answer.name)
    parameters = ", ".join(map(_parameter, answer.parameters))
    columns = ", ".join(f"`{c.name}` {c.type} COMMENT {literal(c.meaning)}" for c in answer.columns)
    head = f"CREATE OR REPLACE FUNCTION {quoted(name)} ({parameters}) RETURNS TABLE ({columns}) READS SQL DATA"
    body = answer.body(sources)
    digest = digest_of([head, answer.comment, body])
    comment = literal(f"{answer.comment} {mark_of(digest)}")
    return Statement(name, False, digest, f"{head} COMMENT {comment} RETURN\n{body}")


def _parameter(parameter: Parameter) -> str:
    return f"{parameter.name} {parameter.type} DEFAULT {parameter.default} COMMENT {literal(parameter.meaning)}"
