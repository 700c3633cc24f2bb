"""The types and comments of the columns of the Delta tables."""

from __future__ import annotations

from vpc_flow_logs.fields import BY_NAME, FIELDS, canonical
from vpc_flow_logs.parser.layout import Column

SERVICE = {
    "event_time": ("TIMESTAMP", "Time of the record: start, else end, else the time in the file name"),
    "other_fields": ("MAP<STRING, STRING>", "Fields of the file that have no column, by their delivered name"),
    "source_file": ("STRING", "Path of the file that contains the record"),
    "ingested_at": ("TIMESTAMP", "Time at which the job read the record"),
}
"""SQL type and comment of each column that the job adds to the records table."""

QUARANTINE = {
    "source_file": ("STRING", "Path of the file"),
    "line_number": ("BIGINT", "Number of the first line that the entry covers, starting at 1; in Parquet, of the row"),
    "lines": ("BIGINT", "Number of lines that the entry covers"),
    "line": ("STRING", "The first 4096 characters of the line, with invalid UTF-8 bytes as \\x.."),
    "reason": ("STRING", "Reason that the line is not a record"),
    "ingested_at": ("TIMESTAMP", "Time at which the job read the file"),
}
"""SQL type and comment of each column of the quarantine table."""

RECORDS_COMMENTS = {
    **{field.column: field.meaning for field in FIELDS},
    **{name: comment for name, (_, comment) in SERVICE.items()},
}
"""Comment of each column that the records table can have, except for fields that AWS does not document."""

QUARANTINE_COMMENTS = {name: comment for name, (_, comment) in QUARANTINE.items()}
"""Comment of each column of the quarantine table."""

HOURLY = {
    "hour": ("TIMESTAMP", "The UTC hour that contains the event_time of the records"),
    "account_id": ("STRING", "AWS account ID"),
    "vpc_id": ("STRING", "VPC of the network interface"),
    "subnet_id": ("STRING", "Subnet of the network interface"),
    "srcaddr": ("STRING", "Source IP address"),
    "dstaddr": ("STRING", "Destination IP address"),
    "service_port": ("INT", "The lower of the two ports, which is usually the port of the service"),
    "protocol": ("INT", "IANA protocol number"),
    "action": ("STRING", "ACCEPT or REJECT"),
    "flow_direction": ("STRING", "ingress or egress"),
    "records": ("BIGINT", "Number of records, including those with the log status NODATA or SKIPDATA"),
    "packets": ("BIGINT", "Sum of the packets"),
    "bytes": ("BIGINT", "Sum of the bytes"),
}
"""SQL type and comment of each column of the hourly roll-up."""


def meaning(column: Column) -> str:
    """Return the comment of a column that holds a field."""
    field = BY_NAME.get(canonical(column.name))
    return field.meaning if field else "A field that AWS does not document"
