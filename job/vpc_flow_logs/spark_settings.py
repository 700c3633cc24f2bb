"""Spark settings of the job, and why: the defaults are made for other work than whole files into a Delta table."""

from __future__ import annotations

from vpc_flow_logs.parser.layout import Layout

READING = {
    # File contents reach the workers in Arrow batches; a batch of 10,000 files, the default, would not fit.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": "16m",
    # Files are packed into tasks by their bytes, so that many small ones do not become many small table files.
    "spark.sql.files.openCostInBytes": "65536",
}
"""For the parse."""

_WRITING = {
    "spark.sql.parquet.compression.codec": "zstd",
    # As small as at level 3, the default, for less work: what is large is one text repeated.
    "parquet.compression.codec.zstd.level": "1",
    # INT96, the default, costs more and has no least and greatest value by which a reader passes over pages.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Histograms of value sizes that no reader of ours looks at.
    "parquet.size.statistics.enabled": "false",
    # Numbers hardly repeat within a file: a dictionary is filled, found too large and thrown away.
    "parquet.enable.dictionary": "false",
}

# Many different values, each of them looked up; without a dictionary the table has about a third more bytes.
_ADDRESSES = frozenset({"srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"})

# The same long text in many rows: to look each up in a dictionary costs more than zstd, which sees that it repeats.
_REPEATED = "source_file"

_MAP_TEXTS = ("other_fields.key_value.key", "other_fields.key_value.value")


def writing(layout: Layout) -> dict[str, str]:
    """For Parquet's writer, which takes most of the time; where Photon writes they mean nothing.

    Least and greatest value of each page are kept for numbers and addresses: nobody looks for a range of other texts.
    """
    texts = [column.name for column in layout.columns if column.type == "STRING" and column.name not in _ADDRESSES]
    dictionaries = {f"parquet.enable.dictionary#{name}": "true" for name in texts}
    unranged = [*texts, _REPEATED, *_MAP_TEXTS]
    return {**_WRITING, **dictionaries, **{f"parquet.column.statistics.enabled#{name}": "false" for name in unranged}}
