"""What the parser makes: the columns of the table, and how one log format maps onto them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from vpc_flow_logs.fields import canonical, column_name, column_type, is_known, looks_like_name

ARROW_TYPES: dict[str, pa.DataType] = {"INT": pa.int32(), "BIGINT": pa.int64(), "STRING": pa.string()}
"""Arrow type of each SQL type that a field's column can have."""

TIMESTAMP = pa.timestamp("us", tz="UTC")
TEXT_MAP = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Column:
    """A column of the table that holds a field: its name and SQL type (INT, BIGINT or STRING)."""

    name: str
    type: str

    @property
    def arrow_type(self) -> pa.DataType:
        return ARROW_TYPES[self.type]


@dataclass(frozen=True)
class Layout:
    """The field columns of the table, in order, and Headers: the order of fields in files without a header line."""

    columns: tuple[Column, ...]
    headers: tuple[str, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """Arrow schema of the parsed records (``ingested_at`` is added by the task)."""
        fields = [pa.field(column.name, column.arrow_type) for column in self.columns]
        service = [("event_time", TIMESTAMP), ("other_fields", TEXT_MAP), ("source_file", pa.string())]
        return pa.schema([*fields, *(pa.field(name, type_) for name, type_ in service)])

    @cached_property
    def by_field(self) -> dict[str, Column]:
        """Each column under the canonical name of its field."""
        return {canonical(column.name): column for column in self.columns}


@dataclass(frozen=True)
class Place:
    """Where one field of a format goes: a column of the table, or a key of ``other_fields``."""

    field: str
    column: Column | None
    key: str

    @property
    def is_integer(self) -> bool:
        return self.column is not None and self.column.type != "STRING"


@dataclass(frozen=True)
class Format:
    """One log format: the places of its fields, in the order in which a record has them."""

    places: tuple[Place, ...]

    @cached_property
    def has_integers(self) -> bool:
        """Whether some value of a record is checked to be an integer (which no field name is)."""
        return any(place.is_integer for place in self.places)

    def position(self, field: str) -> int | None:
        """The first position of a field, by canonical name."""
        return next((i for i, place in enumerate(self.places) if place.field == field), None)


def format_of(names: Sequence[str], layout: Layout) -> Format:
    """Map the field names of a header, as delivered, onto the table.

    The first of several equal names fills the column, or has its own key in ``other_fields``; the next ones are
    keyed ``name_2``, ``name_3``.
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
    """Whether the tokens of a line are a header: all look like field names, and at least one is a known field."""
    return bool(tokens) and all(map(looks_like_name, tokens)) and any(map(is_known, tokens))


def columns_of(headers: Iterable[str]) -> tuple[Column, ...]:
    """The columns for field names, with the types of the catalogue.

    >>> columns_of(["srcport", "account-id"])
    (Column(name='srcport', type='INT'), Column(name='account_id', type='STRING'))
    """
    return tuple(Column(name=column_name(name), type=column_type(name)) for name in headers)
