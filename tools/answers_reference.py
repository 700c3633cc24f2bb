"""Reference of the answers, written from the catalog: ``python -m tools.answers_reference``.

``make docs`` writes docs/answers.md. Questions, columns, parameters and fields come from the SQL files in
``job/vpc_flow_logs/answers``, so a new answer needs no work here. The price of fields comes from bench/fields.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill

from tools import recommended_fields
from vpc_flow_logs.answers.catalog import catalog, is_own
from vpc_flow_logs.answers.model import TOPICS, Answer
from vpc_flow_logs.answers.names import SHAPE as NAMES_SHAPE
from vpc_flow_logs.answers.ocsf import UNMAPPED
from vpc_flow_logs.answers.views import DERIVED

PAGE = Path(__file__).resolve().parent.parent / "docs" / "answers.md"

_INTRODUCTION = """\
# Answers

<!-- Written by `make docs` from the SQL files in job/vpc_flow_logs/answers. -->

When the job starts, it creates views and table functions next to its table. Each function answers one question about
the records:

```sql
SELECT * FROM network.flow_logs.staging_top_talkers();
SELECT * FROM network.flow_logs.staging_traffic_from(address => '10.0.1.5', since => now() - INTERVAL 7 DAYS);
```

The name of a function is the name of the table, `_`, and the name of the answer. Every function has the parameters
`since` (inclusive, by default 24 hours ago) and `until` (exclusive, by default now), which select records by
`event_time`. Its other parameters have defaults, too. The columns `records`, `packets` and `bytes` are totals, and
`service` is the usual name of a port or a protocol. The other columns are fields of the records, or described below.
`DESCRIBE FUNCTION EXTENDED` shows the same description.

Functions read the view `<table name>_all_fields`. It has a typed column for each documented field, whether the table
has a column for the field or keeps it in `other_fields`. So every function exists for every table. If a flow log does
not deliver a field that an answer needs, the answer has no rows. [Recommended fields](#recommended-fields) has a list
with all fields that the answers need.

After the fields, `event_time`, `source_file` and `ingested_at`, the view has columns that are computed from fields:

"""

_ADDRESSES = """
`private` addresses are those of RFC 1918, `100.64.0.0/10` and `fc00::/7`. `special` addresses are loopback, link-local,
multicast and reserved ones. All others are `public`, including the ranges for documentation and benchmarks.

The view `<table name>_service_names` has the names of well-known ports and of protocols.
"""

_OBJECTS = """
## What the job creates

A run creates the views and functions that are missing or have changed, and prints one line. It never changes views and
functions that it did not create, and never removes any. To create none, set `--answers off`. If the catalog rejects a
statement, for example because the job's principal has no `CREATE FUNCTION` on the schema, the run prints a note and
loads as usual; the next run tries again. In Unity Catalog, grant `SELECT` and `EXECUTE` on the schema rather than on
the objects: an update replaces objects, and the grants on them may be lost.

On a laptop, the catalog is in memory, so `local.ingest` does not create them.

## On a laptop

`local.answers` answers the same questions about a table of `local.ingest`, the demo or the stage. Without a name, it
lists the answers. With a name and `--help`, it describes one. Parameters are options, such as `--min-ports`:

```bash
.venv/bin/python -m local.answers
.venv/bin/python -m local.answers port_scans --table tables/vpc_flow_logs --last 7d --min-ports 50
.venv/bin/python -m local.answers traffic_from --table tables/vpc_flow_logs --address 10.0.1.5 --last 7d --format csv
.venv/bin/python -m local.answers nat_gateway_bytes --table tables/vpc_flow_logs --last 30d --format html > nat.html
.venv/bin/python -m local.answers --table tables/vpc_flow_logs \\
    --sql 'SELECT type, count(*) AS records FROM vpc_flow_logs_all_fields GROUP BY type'
```

- `--table` is the name of a table in `spark-warehouse` of the current folder, or the folder of a table (its Delta
  Output Path). By default, it is the table in `spark-warehouse`, if there is only one.
- `--last` is the length of the window: a number and `m`, `h`, `d` or `w` (default: `24h`).
- `--since` (inclusive) and `--until` (exclusive) are times in ISO 8601, in UTC if they have no zone.
- `--format` is `table` (default), `csv`, `json` or `html`. All of them go to standard output.
- `--rows` is the maximum number of rows. By default, `table` and `html` have 1,000, and `csv` and `json` have all rows.
- `--names-table` is a CSV file or a table with [names of addresses](#names-of-addresses).
- `--sql` is a query instead of an answer, and cannot change anything. It can read the tables, the views and the table
  functions. A table with a Delta Output Path has the name of its folder.

Text of log lines is only shown, and has no effect: control characters and marks that change the direction of text are
escaped, and in CSV, text that a spreadsheet would take for a formula begins with `'`. JSON is one array of objects with
times such as `2026-11-01T08:30:00Z`.

The page needs no other file and has no scripts. It has a table and, for most answers with totals, a chart of the
longest 20 bars. The header of the SQL file names the kind: a `counter` is a large number, and `bar`, `line` and
`heatmap` are charts. A `sankey` is drawn as one bar per pair.
"""

_NAMES = """
## Names of addresses

The answers show a name next to each address if you bring a names table: `--names-table` of the job, or `names_table`
under `[answers]` in the environment file. Each of the columns `srcaddr`, `dstaddr`, `pkt_srcaddr`, `pkt_dstaddr`,
`client`, `server` and `destination` is then followed by a column such as `srcaddr_name`. Rows, their order and the
other columns stay the same. The names table has these columns:

"""

_NAMES_SHAPE = """
- `cidr` is a block such as `10.0.0.0/16` or `2600:1f18::/32`, or an address. The bits after the prefix do not matter.
- If several blocks contain an address, the longest prefix wins. If none does, the name is NULL.
- If two rows have the same block, the name that comes first in the alphabet wins.
- Rows without a valid block or without a name are left out. The run prints a note with their number.

This Bash script writes the names of your VPCs and subnets, IPv4 and IPv6, to a CSV file:

```bash
rows() { aws ec2 "describe-$1" --output text --query "$2" | tr '\\t' ','; }
ipv6='Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock'
{
  echo cidr,name,owner,list
  rows vpcs "Vpcs[].[CidrBlock,VpcId,OwnerId,'vpcs']"
  rows vpcs "Vpcs[?$ipv6].[$ipv6,VpcId,OwnerId,'vpcs']"
  rows subnets "Subnets[].[CidrBlock,SubnetId,OwnerId,VpcId]"
  rows subnets "Subnets[?$ipv6].[$ipv6,SubnetId,OwnerId,VpcId]"
} > names.csv
```

Upload the file to a volume, and create the table from it:

```sql
CREATE OR REPLACE TABLE network.inventory.cidr_names AS
SELECT cidr, name, owner, list
FROM read_files(
  '/Volumes/network/inventory/files/names.csv',
  format => 'csv', header => true, schema => 'cidr STRING, name STRING, owner STRING, list STRING'
);
INSERT INTO network.inventory.cidr_names VALUES ('198.51.100.7', 'Partner VPN', 'network team', 'partners');
```

On a laptop, `local.answers` reads the CSV file itself:

```bash
.venv/bin/python -m local.answers top_talkers --names-table names.csv
```

The functions read the names table each time, through the view `<table name>_names`. So a change of its rows needs no
new run. The job's principal needs `SELECT` on the names table. If the job cannot read the table, it prints a note and
creates the functions without names. The names table cannot have the name of the view.

The join reads the result of an answer, not the records: one hash join, with one row per address and prefix length that
occurs in the names table. It does not compare an address with each block. The dashboard does not show names.
"""

_OCSF = """
## OCSF

The view `<table name>_ocsf` has an event of the [Open Cybersecurity Schema Framework](https://schema.ocsf.io/1.8.0/)
for each record: version 1.8.0, class
[Network Activity](https://schema.ocsf.io/1.8.0/classes/network_activity) (4001), with the profiles `cloud` and
`security_control`. Each column is an attribute of the event, so a row becomes JSON for a SIEM with:

```sql
SELECT to_json(struct(*)) AS event FROM network.flow_logs.staging_ocsf;
```

`to_json` leaves NULLs out. Times are in milliseconds since 1970. A filter on `time` cannot use the table's statistics
of `event_time`, so it reads all files. The view follows the mapping of AWS, with these
choices:

| records | attributes |
|---|---|
| ACCEPT | `activity_id` 6 (Traffic), `action_id` 1, `disposition_id` 1 |
| REJECT | `activity_id` 5 (Refuse), `action_id` 2, `disposition_id` 2; `reject-reason` is `status_detail` |
| NODATA and SKIPDATA | `activity_id` 99 (Other); `log-status` is `activity_name` and `status_code` |
| of transit gateways | `activity_id` 6, and no action; each endpoint has its own VPC, subnet and interface |

- The interface, instance, VPC and subnet belong to `dst_endpoint` for ingress, and to `src_endpoint` for all other
  records. `observation_point_id` is 1 (Source) for egress and 2 (Destination) for ingress. For a transit gateway or a
  regional NAT gateway, it is 3 (Neither), and `network_observation_point` has the ID of the attachment or the gateway.
- The address of an endpoint is `pkt-srcaddr` or `pkt-dstaddr`, if delivered. If `srcaddr` or `dstaddr` differs, as at
  a NAT gateway, it is in `intermediate_ips`. `community_uid` is the Community ID of these endpoints.
- OCSF requires an endpoint. If a record identifies none, `src_endpoint` has the name `unknown`.
- `unmapped` has the fields without an attribute:
"""

_TOPICS = {
    "traffic": "The questions of [AWS's Athena integration]"
    "(https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-run-athena-query.html).",
    "cost": "Traffic that costs money.",
    "security": "Rejected traffic, and traffic that should not be accepted.",
    "network": "Conversations, and lost packets.",
    "health": "Missing and late records.",
}


def page() -> str:
    """Return the text of docs/answers.md."""
    parts = [_INTRODUCTION, *_table("column", [(c.name, c.type, c.comment) for c in DERIVED]), _ADDRESSES]
    parts += [recommended_fields.chapter(), _OBJECTS]
    for topic in TOPICS:
        parts += [f"\n## {topic.capitalize()}\n\n{_TOPICS[topic]}\n"]
        parts += [text for answer in catalog() if answer.topic == topic for text in _section(answer)]
    parts += [_NAMES, *_table("column", NAMES_SHAPE), _NAMES_SHAPE]
    names = ", ".join(f"`{field.column}`" for field in UNMAPPED)
    return "".join([*parts, _OCSF, fill(names, 120, initial_indent="  ", subsequent_indent="  "), ".\n"])


def _section(answer: Answer) -> Iterator[str]:
    """Yield the texts about one answer."""
    yield f"\n### `{answer.name}`\n\n{answer.question} {answer.counts} Order: {answer.order}.\n\n"
    names = [f"`{name}`" for name in answer.fields]
    if names:
        yield f"Needs {', '.join(names)}.\n"
    if answer.optional:
        yield f"Uses {', '.join(f'`{name}`' for name in answer.optional)}, if delivered.\n"
    if names or answer.optional:
        yield "\n"
    if parameters := answer.parameters[2:]:
        rows = [(p.name, p.type, f"{p.meaning} (default: `{p.default}`)") for p in parameters]
        yield from (*_table("parameter", rows), "\n")
    yield f"Returns {', '.join(f'`{column.name}`' for column in answer.columns)}.\n"
    own = [(column.name, column.type, column.meaning) for column in answer.columns if is_own(column)]
    if own:
        yield from ("\n", *_table("column", own))


def _table(first: str, rows: Sequence[tuple[str, str, str]]) -> list[str]:
    lines = [f"| {first} | type | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {type_} | {meaning} |" for name, type_, meaning in rows]
    return [f"{line}\n" for line in lines]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}")
