"""Bytes per record of log formats: `.venv/bin/python -m bench.fields` writes `bench/fields.json` in a few seconds.

`make docs` shows the numbers in docs/answers.md. Equal versions of numpy, pyarrow and zlib give equal numbers.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from bench.data import FLOW_LOG, SEED, START
from local.traffic.files import PERIOD_SECONDS, FlowLog, encode, key
from local.traffic.records import Network, records
from tools.recommended_fields import PRICES, Price, recommended, vpc_fields
from vpc_flow_logs.fields import DEFAULT_FORMAT, column_name
from vpc_flow_logs.parser.layout import Layout, columns_of
from vpc_flow_logs.parser.quarantine import Entry
from vpc_flow_logs.parser.records import DeliveredFile, parse
from vpc_flow_logs.table import CLUSTERED_BY

RECORDS = 20_000
_SERVICE_COLUMNS = ("event_time", "other_fields", "source_file")
_ZSTD_LEVEL = 3  # the default of Spark's Parquet writer, which `maintain` does not change


def main() -> None:
    PRICES.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")
    print("wrote bench/fields.json. To update docs/answers.md, run make docs")


def measured() -> dict[str, Any]:
    """Return the content of `bench/fields.json`."""
    fields = vpc_fields()
    traffic = records(
        Network.seeded(SEED), fields, start=int(START.timestamp()), seconds=PERIOD_SECONDS, count=RECORDS, seed=SEED
    )
    stored = _stored(traffic, fields)

    def price(names: Sequence[str]) -> Price:
        data = encode(_flow_log(names), traffic)
        columns = (*map(column_name, names), *_SERVICE_COLUMNS)
        text = len(zlib.decompress(data, wbits=31))
        return Price(*(size / RECORDS for size in (text, len(data), sum(stored[name] for name in columns))))

    default = price(DEFAULT_FORMAT)
    formats = {"default": default, "recommended": price(recommended()), "all": price(fields)}
    added = {name: price([*DEFAULT_FORMAT, name]) for name in fields if name not in DEFAULT_FORMAT}
    return {
        "records": RECORDS,
        "recommended": recommended(),
        "formats": {name: _rounded(price) for name, price in formats.items()},
        "added": {
            name: _rounded(Price(longer.text - default.text, longer.gzip - default.gzip, longer.table - default.table))
            for name, longer in added.items()
        },
    }


def _flow_log(fields: Sequence[str]) -> FlowLog:
    return replace(FLOW_LOG, fields=tuple(fields))


def _stored(traffic: pa.Table, fields: Sequence[str]) -> Counter[str]:
    """Return the bytes of each column of a table with all fields, in one file as `maintain` writes it."""
    flow_log = _flow_log(fields)
    file = DeliveredFile(key(flow_log, START), pa.py_buffer(encode(flow_log, traffic)))
    parsed = list(parse([file], Layout(columns_of(fields), tuple(fields))))
    rows = pa.Table.from_batches(batch for batch in parsed if not isinstance(batch, Entry))
    if rows.num_rows != RECORDS:
        raise SystemExit(f"bench.fields: the parser read {rows.num_rows:,} of {RECORDS:,} records")
    sink = BytesIO()
    pyarrow.parquet.write_table(
        rows.sort_by([(name, "ascending") for name in CLUSTERED_BY]),
        sink,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
    )
    metadata = pyarrow.parquet.read_metadata(BytesIO(sink.getvalue()))
    sizes: Counter[str] = Counter()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            sizes[column.path_in_schema.partition(".")[0]] += column.total_compressed_size
    return sizes


def _rounded(price: Price) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(price).items()}


if __name__ == "__main__":
    main()
