"""The command line of ``local.answers``: an answer and its parameters, or a query, and the format of the output."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from difflib import get_close_matches
from typing import NoReturn, TypeVar

from local.answers.description import described, meaning_of, option_of
from local.answers.names import Names, find_names
from local.answers.tables import Place, UnknownTable, find
from local.answers.values import NAMED_READERS, READERS, WHOLE
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import SINCE, UNTIL, Answer, Parameter, Value
from vpc_flow_logs.terminal import printable

FORMATS = ("table", "csv", "json", "html")

_COMMAND = ".venv/bin/python -m local.answers"
_DESCRIPTION = "Answer questions about the records of a table on this machine. Without a name, list the answers."
_MOST_ROWS = {"table": 1000, "html": 1000}
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LAST = re.compile(r"([0-9]{1,6})([mhdw])")
_DAY = timedelta(hours=24)

_Problems = list[str]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        format: One of `FORMATS`.
        answer: The answer, if one is named.
        sql: The query of ``--sql``; empty if there is none. Without an answer and a query, the list is requested.
        place: The table; None for the list.
        given: Values of the answer's parameters, always with since and until; the others have their defaults.
        rows: Maximum number of rows to show; None for all.
        help: The text to print instead of an answer; empty if it is not requested.
        names: The table with names of addresses, if one is given.
    """

    format: str = "table"
    answer: Answer | None = None
    sql: str = ""
    place: Place | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    rows: int | None = None
    help: str = ""
    names: Names | None = None


class InvalidArguments(Exception):
    """The arguments are invalid; the message lists every problem."""


def request_of(arguments: Sequence[str], *, now: datetime | None = None) -> Request:
    """Return the request of a command line.

    Args:
        arguments: The arguments after the name of the command.
        now: The current time; by default, that of the clock.

    Raises:
        InvalidArguments: The arguments are invalid.
    """
    parser = _parser()
    options, problems = _parsed(parser, arguments)
    answer = _answer(options.name, problems)
    if options.help:
        return Request(help=_parser(answer).format_help() + described(answer) if answer else parser.format_help())
    given = _given(options, answer, problems) | _window(options, now or datetime.now(timezone.utc), problems)
    named = [name for name in ("last", "since", "until", *_parameters()) if getattr(options, name) is not None]
    if options.name is not None and options.sql is not None:
        problems.append(f"--sql: not together with the answer {printable(options.name)!r}; use one of them")
    if options.sql is not None and not options.sql.strip():
        problems.append("--sql: empty; write a query in quotes, such as --sql 'SELECT count(*) FROM flow_logs'")
    if options.format not in FORMATS:
        problems.append(f"--format {printable(options.format)}: unknown format; use {', '.join(FORMATS)}")
    rows = _MOST_ROWS.get(options.format) if options.rows is None else _rows(options.rows, problems)
    is_list = options.name is None and options.sql is None
    if is_list:
        named += [name for name in ("table", "names_table") if getattr(options, name) is not None]
        problems += [f"{option_of(name)}: needs the name of an answer" for name in named]
    elif answer is None and options.sql is not None:
        problems += [f"{option_of(name)}: has no effect on --sql; write it in the query" for name in named]
    place = None if is_list else _found(find, "--table", options.table, problems)
    names = None if options.names_table is None else _found(find_names, "--names-table", options.names_table, problems)
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise InvalidArguments(f"The arguments are invalid:\n{listed}\nAll options: {_COMMAND} --help")
    return Request(options.format, answer, options.sql or "", place, given, rows, names=names)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArguments(message)


def _parameters() -> dict[str, Parameter]:
    """Return the parameters of all answers by name, without those of the window."""
    every = (parameter for answer in catalog() for parameter in answer.parameters)
    return {parameter.name: parameter for parameter in every if parameter not in (SINCE, UNTIL)}


def _parser(answer: Answer | None = None) -> _Parser:
    """Return the parser: for the help of an answer with its own parameters only, and otherwise with all."""
    parser = _Parser(prog=_COMMAND, usage="%(prog)s [NAME] [options]", description=_DESCRIPTION, add_help=False)
    parser.allow_abbrev = False
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the answer; with --help, its description")

    def add(option: str, metavar: str, text: str, default: str | None = None) -> None:
        parser.add_argument(option, nargs="?", const="", default=default, metavar=metavar, help=text)

    add("--table", "TABLE", "name of a table in spark-warehouse (default: the only one), or the folder of a table")
    add("--names-table", "FILE", "CSV file or table with cidr and name: show the names next to the addresses")
    add("--last", "TIME", "window that ends at --until: a number and m, h, d or w, such as 90m or 7d (default: 24h)")
    add("--since", "ISO", f"{SINCE.meaning.lower()}: ISO 8601 in UTC, such as 2026-11-01 or 2026-11-01T08:30Z")
    add("--until", "ISO", f"{UNTIL.meaning.lower()} (default: now)")
    add("--sql", "QUERY", "a query instead of an answer; it can read the tables, the views and the table functions")
    add("--format", "FORMAT", f"{', '.join(FORMATS)} (default: table)", "table")
    add("--rows", "N", "maximum number of rows (default: 1000 for table and html, all for csv and json)")
    for name, parameter in _parameters().items():
        if meaning := meaning_of(name, answer):
            add(option_of(name), parameter.type, meaning.replace("%", "%%"))
    parser.add_argument("-h", "--help", action="store_true", help="print this text")
    return parser


def _parsed(parser: _Parser, arguments: Sequence[str]) -> tuple[argparse.Namespace, _Problems]:
    """Return the options as text, and the problems so far. argparse would stop at its first problem."""
    try:
        options, unknown = parser.parse_known_args(arguments)
    except InvalidArguments as error:
        return parser.parse_args([]), [printable(str(error))]
    return options, [f"{printable(word)}: unknown argument" for word in unknown]


def _answer(name: str | None, problems: _Problems) -> Answer | None:
    known = {answer.name: answer for answer in catalog()}
    spelled = (name or "").replace("-", "_").lower()
    if name is not None and spelled not in known:
        close = get_close_matches(spelled, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"{_COMMAND} lists the answers"
        problems.append(f"{printable(name) or 'empty name'}: unknown answer; {hint}")
    return known.get(spelled)


def _given(options: argparse.Namespace, answer: Answer | None, problems: _Problems) -> dict[str, Value]:
    """Return the values of the answer's own parameters."""
    own = None if answer is None else [parameter.name for parameter in answer.parameters[2:]]
    values: dict[str, Value] = {}
    for name, parameter in _parameters().items():
        text: str | None = getattr(options, name)
        if text is None:
            continue
        if own is not None and name not in own:
            has = f"it has {', '.join(map(option_of, own))}" if own else "it has only the time window"
            problems.append(f"{option_of(name)}: {options.name} has no such parameter; {has}")
        else:
            values[name] = NAMED_READERS.get(name, READERS[parameter.type])(option_of(name), text, problems)
    return values


def _window(options: argparse.Namespace, now: datetime, problems: _Problems) -> dict[str, Value]:
    """Return the values of since and until; by default, the 24 hours before now."""
    count = len(problems)
    since, until = (_time(f"--{name}", getattr(options, name), problems) for name in ("since", "until"))
    length = _DAY if options.last is None else _length(options.last, problems)
    if options.last is not None and options.since is not None:
        problems.append("--last: not together with --since; use one of them")
    end = until or now
    try:
        begin = since or end - length
    except OverflowError:
        problems.append("--last: the window begins before the year 1")
        begin = end
    if len(problems) == count and begin >= end:
        problems.append(f"--since {options.since}: must be before the end of the window, {end.isoformat()}")
    return {"since": begin, "until": end}


def _time(option: str, text: str | None, problems: _Problems) -> datetime | None:
    if text is None:
        return None
    try:
        # Python 3.10 does not accept the Z.
        time = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        problems.append(
            f"{option} {printable(text)}: must be an ISO 8601 time such as 2026-11-01T08:30Z (UTC by default)"
        )
        return None


def _length(text: str, problems: _Problems) -> timedelta:
    match = _LAST.fullmatch(text)
    if match and int(match[1]):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    problems.append(
        f"--last {printable(text)}: must be a number from 1 to 999999 and m, h, d or w, such as 90m, 24h or 7d"
    )
    return _DAY


def _rows(text: str, problems: _Problems) -> int | None:
    if WHOLE.fullmatch(text) and 0 < int(text) < 1 << 31:
        return int(text)
    problems.append(f"--rows {printable(text)}: must be a whole number from 1 to {(1 << 31) - 1}")
    return None


def _found(find_: Callable[[T], U], option: str, text: T, problems: _Problems) -> U | None:
    try:
        return find_(text)
    except UnknownTable as error:
        problems.append(f"{option}: {error}")
        return None
