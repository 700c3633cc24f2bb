"""Convert the values of records, field by field, to the columns of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from vpc_flow_logs.parser import event_time
from vpc_flow_logs.parser.layout import TEXT_MAP, Format, Layout


@dataclass(frozen=True)
class Values:
    """Records of one format.

    Attributes:
        format: The format.
        arrays: One array per place of the format, with the type of its column, else text. ``-`` is null.
        times: `start` or `end` as BIGINT, for text in ``arrays`` that does not show the epoch.
    """

    format: Format
    arrays: Sequence[pa.Array]
    times: Mapping[str, pa.Array] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of records."""
        return len(self.arrays[0])

    def take(self, rows: pa.Array) -> Values:
        """Return the records at the given row indexes."""
        times = {name: array.take(rows) for name, array in self.times.items()}
        return Values(format=self.format, arrays=[array.take(rows) for array in self.arrays], times=times)

    def epochs(self, field: str) -> pa.Array | None:
        """Return the values of `start` or `end` as BIGINT or text; None if the format does not have the field."""
        position = self.format.position(field)
        return None if position is None else self.times.get(field, self.arrays[position])


@dataclass(frozen=True)
class Source:
    """The source of consecutive records.

    Attributes:
        path: Path of the file.
        named: The time in the file name in microseconds; None if there is none.
        rows: Number of records.
    """

    path: str
    named: int | None
    rows: int


def to_batch(values: Values, layout: Layout, sources: Sequence[Source]) -> pa.RecordBatch:
    """Return one Arrow batch of ``layout.schema``. The sources are in the order of the records in ``values``."""
    rows = values.rows
    filled = {
        place.column.name: array
        for place, array in zip(values.format.places, values.arrays, strict=True)
        if place.column is not None
    }
    columns = [filled.get(column.name) for column in layout.columns]
    arrays = [
        pa.nulls(rows, column.arrow_type) if array is None else array
        for column, array in zip(layout.columns, columns, strict=True)
    ]
    paths = _repeated([(source.path, source.rows) for source in sources], pa.string())
    return pa.RecordBatch.from_arrays(
        [*arrays, _event_times(values, sources), _other_fields(values, rows), paths], schema=layout.schema
    )


def _repeated(runs: Sequence[tuple[str | int | None, int]], type_: pa.DataType) -> pa.Array:
    """Return an array with each value repeated as often as its count."""
    arrays = [pa.nulls(n, type_) if value is None else pa.repeat(pa.scalar(value, type_), n) for value, n in runs]
    return arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)


def _event_times(values: Values, sources: Sequence[Source]) -> pa.Array:
    named = _repeated([(source.named, source.rows) for source in sources], pa.int64())
    return event_time.of_columns(values.epochs("start"), values.epochs("end"), named)


def _other_fields(values: Values, rows: int) -> pa.Array:
    """Return a map of the fields without a column, by their delivered names; null for a record without such fields."""
    others = [
        (place.key, array)
        for place, array in zip(values.format.places, values.arrays, strict=True)
        if place.column is None
    ]
    if not others:
        return pa.nulls(rows, TEXT_MAP)
    # Order the values record by record, and field by field within a record.
    order = np.arange(rows * len(others)).reshape(len(others), rows).T.ravel()
    items = pa.concat_arrays([array for _, array in others]).take(pa.array(order))
    names = pa.array([key for key, _ in others]).take(pa.array(np.tile(np.arange(len(others)), rows)))
    is_valid = items.is_valid()
    counts = np.asarray(is_valid.to_numpy(zero_copy_only=False)).reshape(rows, len(others)).sum(axis=1)
    ends = np.concatenate([[0], np.cumsum(counts)])
    # A null offset makes a null map.
    offsets = pa.array(ends, pa.int32(), mask=np.append(counts == 0, False))
    return pa.MapArray.from_arrays(offsets, names.filter(is_valid), items.filter(is_valid))
