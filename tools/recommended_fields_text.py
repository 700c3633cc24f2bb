"""Texts of the chapter about the recommended fields: purposes, reasons, and the paragraphs between the tables."""

from __future__ import annotations

OTHERS = {
    "version": "the version of the log format; a column of the view of OCSF events.",
    "account-id": "one table can hold the records of several accounts, and the hourly roll-up has a row for each.",
    "start": "`event_time` is the start of a record, and each answer selects records by it.",
}
"""Recommended fields that no answer names, each with the reason."""

GROUPS = {
    2: "AWS's default format: who talks to whom, and what is rejected",
    3: "which instance and subnet, and the real endpoints behind a NAT gateway",
    4: "in which Availability Zone",
    5: "in which direction, on which path, and to which AWS service",
    8: "rejected by VPC Block Public Access or by encryption controls",
    9: "through which regional NAT gateway",
    10: "encrypted or not",
    11: "through which kind of gateway, and to which Availability Zone",
}
"""Purpose of the recommended fields of each version."""

FIRST = """
## Recommended fields

{summary}

```toml
{fields}
```

Choose the fields before the first deployment. AWS cannot change a flow log, so another list creates a new flow log and
deletes the old one. The table keeps its rows, and gets a column for each new field.

The list has the fields that an answer needs or uses, in the order of the AWS documentation. No answer names the
following ones:

"""

SUMMARY = """
With AWS's default format, {of_default} of the {answers} answers have the fields that they need. With the following
list, all have them except {gateway}. Copy the list into the `[[flow_logs]]` table of a VPC, a subnet or a network
interface in your environment file:
"""

WHY = """
An answer without a field that it needs has no rows. An answer without a field that it uses is less precise, or has NULL
in a column. Without `flow-direction`, for example, a flow that is logged at both ends counts twice.

| version | fields | purpose | needed by | used by |
|---|---|---|---|---|
"""

SPARSE = """
Some fields have a value only in some records. All others have `-`, which takes two bytes of text:

- `traffic-path` has a value for egress, and `reject-reason` if VPC Block Public Access or encryption controls rejected
  the traffic.
- `encryption-status` has a value if VPC Encryption Controls is on, and `resource-id` at a regional NAT gateway.
- The `next-hop` fields have no value if the next hop has no interface, such as an internet gateway, and for traffic to
  another Region. If another account owns the interface, only `next-hop-az-id` has one.

The list leaves out these fields:

"""

LEFT_OUT = """
**Tags.** {tags}, used by {tagged}. They need tag keys, which depend on your tags. Add a field and its key, such as
`"instance-tag"` and `tag_keys = {{ instance = ["team"] }}`. AWS then creates rules in EventBridge and a service-linked
role, which [exists only in some Regions](https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-slr.html).

**Transit gateways.** {gateway} needs fields that only the flow log of a transit gateway has. Add a `[[flow_logs]]`
table with `transit_gateway` and without `fields`: AWS's default format for transit gateways has all of them.

**Fields that no answer uses.** {unused}. The `ecs` fields also need permissions such as `ecs:ListClusters` for the
principal that creates the flow log.
"""
"""Items about the fields that are not in the list, in paragraphs."""

PRICE = """
### Price in bytes

Bytes per record, and in parentheses the ratio to the default format:

| format | fields | as text | in gzip files | in the table |
|---|---|---|---|---|
"""

ARITHMETIC = """
`all` has every field of VPC flow logs. One byte per record is 1 GB per billion records, so the table also shows the GB
per billion records. A record is one flow in one aggregation interval with any list of fields, so a longer list makes
records longer, but not more of them. This query counts them:

```sql
SELECT count(*) * 30 AS records_per_month
FROM network.flow_logs.staging_all_fields
WHERE event_time >= now() - INTERVAL 24 HOURS;
```

| cost per month | arithmetic |
|---|---|
| delivery by AWS | records per month x bytes per record / 10^9 x price per GB of vended logs |
| log bucket | records per month x bytes in gzip files / 10^9 x months in the bucket x price of storage |
| table | records per month x bytes in the table / 10^9 x months in the table x price of storage |

[Amazon CloudWatch pricing](https://aws.amazon.com/cloudwatch/pricing/) has the price of vended logs in your Region,
under Logs. Check there which size counts for delivery, as text or compressed, and use the bytes of that column.
`retention_days` and `keep_days` limit the months of storage, and the price of storage is per GB and month.

Each field adds these bytes to a record of the default format:

| field | version | in the list | as text | in gzip files | in the table |
|---|---|---|---|---|---|
"""

METHOD = """
`.venv/bin/python -m bench.fields` measures {records} records of five minutes from the generator of the local commands.
The files are text with gzip level 6. The table has the rows of the job's parser in one Parquet file, sorted and
compressed as after `maintain`. Your numbers differ: text depends on how many records have a value for a field, and
compression on how many different addresses and interfaces a file has. For your own table, divide `sizeInBytes` in
`DESCRIBE DETAIL` by the number of rows.
"""
