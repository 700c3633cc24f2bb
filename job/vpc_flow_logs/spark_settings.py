"""Spark settings of the job, with their reasons. The defaults do not suit loading whole files into a Delta table."""

from __future__ import annotations

from vpc_flow_logs.parser.layout import Layout

READING = {
    # File contents reach the workers in Arrow batches; the default of 10,000 files per batch would not fit in memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": "16m",
    # Pack files into tasks by size, so that many small files do not become many small table files.
    "spark.sql.files.openCostInBytes": "65536",
}
"""Settings for reading and parsing files."""

_WRITING = {
    "spark.sql.parquet.compression.codec": "zstd",
    # Files are as small as at the default level 3, with less work, because the large column repeats the same text.
    "parquet.compression.codec.zstd.level": "1",
    # The default, INT96, costs more and has no min and max statistics, which readers need to skip pages.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Histograms of value sizes, which no reader of the tables uses.
    "parquet.size.statistics.enabled": "false",
    # Numbers rarely repeat within a file: the writer would fill a dictionary and then discard it as too large.
    "parquet.enable.dictionary": "false",
}

# Address columns have many different values, and a dictionary would need a lookup for each. Without a dictionary, the
# table is about a third larger.
_ADDRESSES = frozenset({"srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"})

# The same long text in many rows: dictionary lookups cost more than zstd, which compresses the repetition anyway.
_REPEATED = "source_file"

_MAP_TEXTS = ("other_fields.key_value.key", "other_fields.key_value.value")


def writing(layout: Layout) -> dict[str, str]:
    """Return the settings for the Parquet writer, which takes most of the time. Photon's writer ignores them.

    The writer keeps min and max statistics only for numbers and addresses, because queries do not filter other strings
    by range.
    """
    texts = [column.name for column in layout.columns if column.type == "STRING" and column.name not in _ADDRESSES]
    dictionaries = {f"parquet.enable.dictionary#{name}": "true" for name in texts}
    unranged = [*texts, _REPEATED, *_MAP_TEXTS]
    return {**_WRITING, **dictionaries, **{f"parquet.column.statistics.enabled#{name}": "false" for name in unranged}}


MAINTAINING = {
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "parquet.size.statistics.enabled": "false",
    # Rows are sorted here, and no stream waits: dictionaries make the files smaller.
    "parquet.enable.dictionary": "true",
}
"""Settings for the Parquet writer of the maintenance, which writes each row again, in sorted files."""
