"""The SQL of the answers for DuckDB: the same text, with the syntax and the functions that differ from Spark's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_SYNTAX: Final = (
    ("`", '"'),
    ("<=>", "IS NOT DISTINCT FROM"),
    ("AS TIMESTAMP)", "AS TIMESTAMPTZ)"),
    ("ARRAY<STRING>", "VARCHAR[]"),
    ("current_timestamp()", "now()"),
)

_NAMES: Final = {
    "array": "list_value",
    "array_join": "array_to_string",
    "collect_list": "list_without_nulls",
    "element_at": "list_extract",
    "filter": "list_filter",
    "regexp_like": "regexp_matches",
    "size": "len",
    "sort_array": "list_sort",
    "split": "string_split",
    "transform": "list_transform",
    "base64": "to_base64",
    "IF": "if",
}
"""Functions that DuckDB has under another name."""

MACROS: Final = (
    "array_repeat(value, times) AS list_transform(range(times), lambda _: value)",
    "list_without_nulls(value) AS coalesce(list(value) FILTER (value IS NOT NULL), [])",
    "substring_index(of, sep, n) AS array_to_string(string_split(of, sep)[if(n > 0, 1, n) : if(n > 0, n, -1)], sep)",
    "timestamp_micros(value) AS CAST(make_timestamp(CAST(value AS BIGINT)) AS TIMESTAMPTZ)",
    "timestamp_millis(value) AS CAST(make_timestamp(CAST(value AS BIGINT) * 1000) AS TIMESTAMPTZ)",
    "try_element_at(of, key) AS map_extract_value(of, key)",
    "unix_micros(moment) AS epoch_us(moment)",
    "unix_seconds(moment) AS epoch_us(moment) // 1000000",
)
"""Functions that DuckDB does not have."""

_QUALIFIER = re.compile(r"\b[a-z]\w*\.")
_CALL = re.compile(rf"\b({'|'.join(_NAMES)})\(")
_LAMBDA = re.compile(r"\b(\w+) -> ")


def translated(sql: str) -> str:
    """Return a query of the dashboard, or of a view that it reads, for DuckDB.

    >>> translated("SELECT sort_array(named) FROM `t` WHERE port <=> 1")
    'SELECT list_sort(named) FROM "t" WHERE port IS NOT DISTINCT FROM 1'
    >>> translated("transform(ports, p -> named_struct('a', p, 'b', least(p, 1)))")
    'list_transform(ports, lambda p: struct_pack(a := p, b := least(p, 1)))'
    >>> translated("concat('1:', name)")
    "('1:' || name)"
    """
    for spark, duckdb in _SYNTAX:
        sql = sql.replace(spark, duckdb)
    sql = _CALL.sub(lambda match: f"{_NAMES[match[1]]}(", sql)
    sql = _LAMBDA.sub(r"lambda \1: ", sql)
    return _rewritten(sql)


def sorted_outside(sql: str) -> str:
    """Return a query that sorts the rows of its SELECT in an outer one, which has only the columns of the result.

    DuckDB looks up the names in an ORDER BY in the sources before the columns of the result. Spark does the opposite.

    >>> sorted_outside("SELECT t.a\\nFROM t\\nORDER BY t.a DESC\\nLIMIT 5")
    'SELECT * FROM (\\nSELECT t.a\\nFROM t\\n)\\nORDER BY a DESC\\nLIMIT 5'
    """
    select, keyword, order = sql.rpartition("\nORDER BY")
    return f"SELECT * FROM (\n{select}\n){keyword}{_QUALIFIER.sub('', order)}" if keyword else sql


def _struct(arguments: Sequence[str]) -> str:
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    return f"struct_pack({', '.join(f'{name[1:-1]} := {value}' for name, value in pairs)})"


def _joined(arguments: Sequence[str]) -> str:
    # Unlike DuckDB's concat, the operator returns NULL if an argument is NULL, as Spark's concat does.
    return f"({' || '.join(arguments)})"


_REWRITTEN: Final[Mapping[str, Callable[[Sequence[str]], str]]] = {"named_struct": _struct, "concat": _joined}
"""Functions whose calls have another form in DuckDB."""

_REWRITTEN_CALL = re.compile(rf"\b({'|'.join(_REWRITTEN)})\(")


def _rewritten(sql: str) -> str:
    match = _REWRITTEN_CALL.search(sql)
    if match is None:
        return sql
    arguments, rest = arguments_of(sql[match.end() :])
    call = _REWRITTEN[match[1]]([_rewritten(argument) for argument in arguments])
    return f"{sql[: match.start()]}{call}{_rewritten(rest)}"


def arguments_of(text: str) -> tuple[list[str], str]:
    """Return the arguments of a call and the text after it, from the text after the opening parenthesis.

    >>> arguments_of("a, f(b, ','), c) AS x")
    (['a', "f(b, ',')", 'c'], ' AS x')
    """
    arguments, begin, depth, in_string = list[str](), 0, 0, False
    for place, letter in enumerate(text):
        if letter == "'":
            in_string = not in_string
        elif in_string:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
        elif letter in ",)" and not depth:
            arguments.append(text[begin:place].strip())
            begin = place + 1
            if letter == ")":
                return arguments, text[begin:]
    raise ValueError(f"no closing parenthesis: {text}")
