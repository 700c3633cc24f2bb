"""The catalog of answers: the SQL files of this package.

A file starts with a comment of ``-- key: value`` lines; a line that begins with three spaces continues the value. One
SELECT follows, which reads the sources (`model.SOURCES`) by their short names, and the parameters as ``:since``,
``:until`` and so on. It can call the functions of `addresses.FUNCTIONS`, which the catalog replaces by SQL.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from vpc_flow_logs.answers.addresses import expanded
from vpc_flow_logs.answers.model import CHARTS, SINCE, TOPICS, UNTIL, Answer, Chart, OutputColumn, Parameter
from vpc_flow_logs.fields import BY_NAME, canonical

_KEYS = ("title", "topic", "question", "counts", "order", "fields", "optional", "chart", "parameter", "column")
_REPEATED = ("parameter", "column")
_NOT_REQUIRED = ("optional", "parameter")
_LINE = re.compile(r"-- (\w+): (\S.*)")
_PARAMETER = re.compile(r"(\w+) ([A-Z]+) = (\S+): (\S.*)")
_COLUMN = re.compile(r"(\w+) ([A-Z]+): (\S.*)")

_KNOWN_PARAMETERS = {
    "direction": Parameter(
        "direction",
        "STRING",
        "NULL",
        "Only records of this flow-direction, ingress or egress; by default, all records",
    ),
}
_TWICE = "A flow that is logged at both ends counts twice, unless direction is 'egress'."
_TOTALS = {
    "records": OutputColumn("records", "BIGINT", "Number of records"),
    "packets": OutputColumn("packets", "BIGINT", "Packets in these records"),
    "bytes": OutputColumn("bytes", "BIGINT", "Bytes in these records"),
    "service": OutputColumn("service", "STRING", "Usual name of the port or of the protocol; NULL for other ports"),
}


class BadAnswer(ValueError):
    """A SQL file that the catalog cannot read; the text names the file and the line."""


@cache
def catalog() -> tuple[Answer, ...]:
    """Return all answers, by topic and then by name.

    Raises:
        BadAnswer: A file has a malformed header.
    """
    files = [file for file in resources.files(__package__).iterdir() if file.name.endswith(".sql")]
    answers = [parsed(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files]
    return tuple(sorted(answers, key=lambda answer: (TOPICS.index(answer.topic), answer.name)))


def parsed(name: str, text: str) -> Answer:
    """Return the answer for the text of a SQL file.

    Args:
        name: Name of the answer.
        text: The text of the file.

    Raises:
        BadAnswer: The header is malformed or incomplete.
    """
    header, sql = _split(name, text)
    values: dict[str, list[str]] = {key: [] for key in _KEYS}
    for key, value in header:
        if key not in values or (values[key] and key not in _REPEATED):
            raise BadAnswer(f"{name}.sql: {key!r} is not a valid key or occurs twice; keys are {', '.join(_KEYS)}")
        values[key].append(value)
    missing = [key for key, lines in values.items() if not lines and key not in _NOT_REQUIRED]
    if missing:
        raise BadAnswer(f"{name}.sql: the header has no {', '.join(missing)}")
    kind, _, drawn = values["chart"][0].partition(" ")
    if kind not in CHARTS or values["topic"][0] not in TOPICS:
        raise BadAnswer(f"{name}.sql: chart is one of {', '.join(CHARTS)}; topic is one of {', '.join(TOPICS)}")
    return Answer(
        name=name,
        title=values["title"][0],
        topic=values["topic"][0],
        question=values["question"][0],
        counts=" ".join([*values["counts"], *([_TWICE] if "direction" in values["parameter"] else [])]),
        order=values["order"][0],
        fields=_names(values["fields"][0].removeprefix("none")),
        optional=_names("".join(values["optional"])),
        chart=Chart(kind, _names(drawn)),
        parameters=(SINCE, UNTIL, *(_parameter(name, value) for value in values["parameter"])),
        columns=tuple(_column(name, value) for value in values["column"]),
        sql=expanded(sql),
    )


def is_own(column: OutputColumn) -> bool:
    """Return whether only one answer has this column: it is neither a field nor one of the totals."""
    return column.name not in _TOTALS and canonical(column.name) not in BY_NAME


def _split(name: str, text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the keys and values of the header, and the SQL after it."""
    header: list[tuple[str, str]] = []
    lines = text.splitlines()
    while lines and lines[0].startswith("--"):
        line = lines.pop(0)
        if header and line.startswith("--   "):
            header[-1] = (header[-1][0], f"{header[-1][1]} {line[5:].strip()}")
        elif match := _LINE.fullmatch(line):
            header.append((match[1], match[2]))
        else:
            raise BadAnswer(f"{name}.sql: {line!r} is not a line of the form -- key: value")
    return header, "\n".join(lines).strip()


def _names(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _parameter(name: str, text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None and text not in _KNOWN_PARAMETERS:
        raise BadAnswer(f"{name}.sql: parameter {text!r} does not have the form name TYPE = default: meaning")
    return Parameter(*match.groups()) if match else _KNOWN_PARAMETERS[text]


def _column(name: str, text: str) -> OutputColumn:
    """Return an output column: with its own type and meaning, or one that every answer uses, or that of a field."""
    if match := _COLUMN.fullmatch(text):
        return OutputColumn(*match.groups())
    field = BY_NAME.get(canonical(text))
    if text in _TOTALS:
        return _TOTALS[text]
    if field is None:
        raise BadAnswer(f"{name}.sql: column {text!r} is not a field and does not have the form name TYPE: meaning")
    return OutputColumn(field.column, field.type, field.meaning)
