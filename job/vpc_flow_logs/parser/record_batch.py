"""The values of records, field by field, put into the columns of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from vpc_flow_logs.parser import event_time
from vpc_flow_logs.parser.layout import TEXT_MAP, Format, Layout


@dataclass(frozen=True)
class Values:
    """Records of one format: an array for each of its places, with the type of the column, or text; null for ``-``.

    ``times`` has `start` or `end` as BIGINT where ``arrays`` has a text that does not show the epoch.
    """

    format: Format
    arrays: Sequence[pa.Array]
    times: Mapping[str, pa.Array] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.arrays[0])

    def take(self, rows: pa.Array) -> Values:
        """Some of the records."""
        times = {name: array.take(rows) for name, array in self.times.items()}
        return Values(format=self.format, arrays=[array.take(rows) for array in self.arrays], times=times)

    def epochs(self, field: str) -> pa.Array | None:
        """The values of `start` or `end`, as BIGINT or text; None when the format does not have the field."""
        position = self.format.position(field)
        return None if position is None else self.times.get(field, self.arrays[position])


@dataclass(frozen=True)
class Source:
    """Where ``rows`` records in a row come from: the file, and the time in its name in microseconds or None."""

    path: str
    named: int | None
    rows: int


def to_batch(values: Values, layout: Layout, sources: Sequence[Source]) -> pa.RecordBatch:
    """One Arrow batch of ``layout.schema``. The rows of ``sources``, in order, are those of ``values``."""
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
    """Each value as often as its run says."""
    arrays = [pa.nulls(n, type_) if value is None else pa.repeat(pa.scalar(value, type_), n) for value, n in runs]
    return arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)


def _event_times(values: Values, sources: Sequence[Source]) -> pa.Array:
    named = _repeated([(source.named, source.rows) for source in sources], pa.int64())
    return event_time.of_columns(values.epochs("start"), values.epochs("end"), named)


def _other_fields(values: Values, rows: int) -> pa.Array:
    """The fields without a column as a map from their names as delivered; null where a record has none."""
    left = [
        (place.key, array)
        for place, array in zip(values.format.places, values.arrays, strict=True)
        if place.column is None
    ]
    if not left:
        return pa.nulls(rows, TEXT_MAP)
    # All values of a record side by side: record by record, field by field.
    order = np.arange(rows * len(left)).reshape(len(left), rows).T.ravel()
    items = pa.concat_arrays([array for _, array in left]).take(pa.array(order))
    names = pa.array([key for key, _ in left]).take(pa.array(np.tile(np.arange(len(left)), rows)))
    is_there = items.is_valid()
    counts = np.asarray(is_there.to_numpy(zero_copy_only=False)).reshape(rows, len(left)).sum(axis=1)
    ends = np.concatenate([[0], np.cumsum(counts)])
    # A null offset makes a null map.
    offsets = pa.array(ends, pa.int32(), mask=np.append(counts == 0, False))
    return pa.MapArray.from_arrays(offsets, names.filter(is_there), items.filter(is_there))
