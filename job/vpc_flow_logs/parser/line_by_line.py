"""The line-by-line parser: decides for each line whether it is a record, a header line or neither."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from vpc_flow_logs.parser.layout import Format, Layout, Place, format_of, is_header
from vpc_flow_logs.parser.record_batch import Values
from vpc_flow_logs.progress import counted

_INTEGER = re.compile(rb"-?[0-9]+")
_LIMITS = {"INT": 2**31, "BIGINT": 2**63}
_MOST_DIGITS = 400
_SHOWN = 60


@dataclass
class Rejected:
    """A line that is not a record.

    Attributes:
        index: Number of the line in the text, starting at 0.
        line: The bytes of the line.
        reason: The reason that the line is not a record.
    """

    index: int
    line: bytes
    reason: str


@dataclass
class _Rows:
    """Records of one format, collected column by column."""

    format: Format
    columns: list[list[str | int | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = [[] for _ in self.format.places]

    def add(self, values: Sequence[str | int | None]) -> None:
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)

    def done(self) -> Iterator[Values]:
        """Yield the collected records, if there are any."""
        if self.columns and self.columns[0]:
            types = [place.column.arrow_type if place.column else pa.string() for place in self.format.places]
            yield Values(format=self.format, arrays=[pa.array(c, t) for c, t in zip(self.columns, types, strict=True)])


def header_names(tokens: Sequence[bytes]) -> list[str] | None:
    """Return the field names of a header line; None if the line is not a header line."""
    try:
        names = [token.decode("ascii") for token in tokens]
    except UnicodeDecodeError:
        return None
    return names if is_header(names) else None


def tokens_of(line: bytes) -> list[bytes]:
    """Return the values of a line, which are separated by one or more spaces. A tab is part of a value."""
    return [token for token in line.split(b" ") if token]


def split_lines(text: bytes) -> list[bytes]:
    """Return the lines of the text without their line ends, LF or CR LF. A CR elsewhere is part of the line."""
    lines = text.split(b"\n")
    last = lines.pop()  # the rest after the last LF: empty, or a line without a line end
    ended = [line[:-1] if line.endswith(b"\r") else line for line in lines]
    return [*ended, last] if last else ended


def read_lines(text: bytes, format_: Format, layout: Layout) -> Generator[Values | Rejected, None, Format]:
    """Yield the records of the text, and the lines that are not records.

    A header line sets the format of the lines after it. The records of one format are yielded together, no matter how
    many header lines have that format.

    Args:
        text: Whole lines.
        format_: The format of the first line.
        layout: The layout of the table.

    Returns:
        The format that applies after the last line.
    """
    rows = _Rows(format_)
    by_names: dict[tuple[str, ...], _Rows] = {}
    by_format = {format_: rows}
    for index, line in enumerate(split_lines(text)):
        tokens = tokens_of(line)
        if not tokens:
            continue
        names = header_names(tokens)
        if names is not None:
            rows = _rows_of(tuple(names), layout, by_names=by_names, by_format=by_format)
            continue
        values, reason = _record(line, tokens, rows.format)
        if values is None:
            yield Rejected(index=index, line=line, reason=reason)
        else:
            rows.add(values)
    for collected in by_format.values():
        yield from collected.done()
    return rows.format


def _rows_of(
    names: tuple[str, ...], layout: Layout, *, by_names: dict[tuple[str, ...], _Rows], by_format: dict[Format, _Rows]
) -> _Rows:
    """Return the rows that collect the records of a header's format; create them once per format."""
    if names not in by_names:
        format_ = format_of(names, layout)
        by_names[names] = by_format.setdefault(format_, _Rows(format_))
    return by_names[names]


def _record(line: bytes, tokens: Sequence[bytes], format_: Format) -> tuple[Sequence[str | int | None] | None, str]:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"invalid UTF-8 at byte {error.start + 1} of the line"
    if len(tokens) != len(format_.places):
        return None, f"{counted(len(tokens), 'field')}, but the format has {len(format_.places)}"
    values: list[str | int | None] = []
    problems = []
    for token, place in zip(tokens, format_.places, strict=True):
        if token == b"-":
            values.append(None)
        elif place.is_integer:
            number, problem = integer(token, place)
            values.append(number)
            problems += [problem] if problem else []
        else:
            values.append(token.decode("utf-8"))
    return (None, "; ".join(problems)) if problems else (values, "")


def cut(value: str) -> str:
    """Shorten a value for use in a reason."""
    return value[:_SHOWN] + ("…" if len(value) > _SHOWN else "")


def integer(token: bytes, place: Place) -> tuple[int | None, str | None]:
    """Return the integer in a value, or the reason that the value is not an integer that fits the column."""
    assert place.column is not None
    shown = cut(token.decode("utf-8", "backslashreplace"))
    if not _INTEGER.fullmatch(token):
        return None, f"{place.field}: '{shown}' is not an integer"
    digits = token.lstrip(b"-").lstrip(b"0")
    number = int(digits[:_MOST_DIGITS] or b"0") * (-1 if token.startswith(b"-") else 1)
    limit = _LIMITS[place.column.type]
    if not -limit <= number < limit:
        return None, f"{place.field}: {shown} does not fit {place.column.type}"
    return number, None
