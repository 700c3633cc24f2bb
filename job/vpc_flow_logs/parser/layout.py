"""The output layout of the parser: the columns of the table, and the mapping of log formats to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from vpc_flow_logs.fields import canonical, column_name, column_type, is_known, looks_like_name

ARROW_TYPES: dict[str, pa.DataType] = {"INT": pa.int32(), "BIGINT": pa.int64(), "STRING": pa.string()}
"""Arrow type for each SQL type of a field's column."""

TIMESTAMP = pa.timestamp("us", tz="UTC")
TEXT_MAP = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Column:
    """A column of the table that holds a field.

    Attributes:
        name: Name of the column.
        type: SQL type of the column: INT, BIGINT or STRING.
    """

    name: str
    type: str

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow type of the column."""
        return ARROW_TYPES[self.type]


@dataclass(frozen=True)
class Layout:
    """The layout of the records table.

    Attributes:
        columns: The columns that hold fields, in table order.
        headers: Headers: the field names of files without a header line, in order.
    """

    columns: tuple[Column, ...]
    headers: tuple[str, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema of the parsed records, without ``ingested_at``, which the task adds."""
        fields = [pa.field(column.name, column.arrow_type) for column in self.columns]
        service = [("event_time", TIMESTAMP), ("other_fields", TEXT_MAP), ("source_file", pa.string())]
        return pa.schema([*fields, *(pa.field(name, type_) for name, type_ in service)])

    @cached_property
    def by_field(self) -> dict[str, Column]:
        """The columns by the canonical name of their field."""
        return {canonical(column.name): column for column in self.columns}


@dataclass(frozen=True)
class Place:
    """The destination of one field of a format.

    Attributes:
        field: Canonical name of the field.
        column: The column for the field; None if the value goes to ``other_fields``.
        key: The key for ``other_fields``: the field name as delivered.
    """

    field: str
    column: Column | None
    key: str

    @property
    def is_integer(self) -> bool:
        """True if the field has an INT or BIGINT column."""
        return self.column is not None and self.column.type != "STRING"


@dataclass(frozen=True)
class Format:
    """One log format.

    Attributes:
        places: The destinations of the fields, in the order of the values in a record.
    """

    places: tuple[Place, ...]

    @cached_property
    def has_integers(self) -> bool:
        """True if every record must have an integer in some field, so that a header line cannot pass for a record."""
        return any(place.is_integer for place in self.places)

    def position(self, field: str) -> int | None:
        """Return the first position of a field with this canonical name; None if the format does not have it."""
        return next((i for i, place in enumerate(self.places) if place.field == field), None)


def format_of(names: Sequence[str], layout: Layout) -> Format:
    """Map the field names of a header line, as delivered, to the table.

    If a name occurs more than once, the first field gets the column or the key ``name`` in ``other_fields``. The next
    ones get the keys ``name_2``, ``name_3`` and so on.
    """
    keys = set(names)
    seen: dict[str, int] = {}
    places = []
    for name in names:
        field = canonical(name)
        seen[field] = seen.get(field, 0) + 1
        column, key = layout.by_field.get(field), name
        if seen[field] > 1:
            column, key = None, _free_key(name, seen[field], keys)
            keys.add(key)
        places.append(Place(field=field, column=column, key=key))
    return Format(places=tuple(places))


def _free_key(name: str, count: int, taken: set[str]) -> str:
    while f"{name}_{count}" in taken:
        count += 1
    return f"{name}_{count}"


def is_header(tokens: Sequence[str]) -> bool:
    """Return whether the tokens form a header line: all look like field names, and at least one is a known field."""
    return bool(tokens) and all(map(looks_like_name, tokens)) and any(map(is_known, tokens))


def columns_of(headers: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns for field names, with the types of the documented fields.

    >>> columns_of(["srcport", "account-id"])
    (Column(name='srcport', type='INT'), Column(name='account_id', type='STRING'))
    """
    return tuple(Column(name=column_name(name), type=column_type(name)) for name in headers)
