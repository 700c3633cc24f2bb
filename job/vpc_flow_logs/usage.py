"""Help texts of the entry points, which `--help` prints."""

from __future__ import annotations

USAGE = """\
Parameters, each as --name=value or --name value:

  --vpc-logs-path        s3://bucket[/prefix]/AWSLogs/<account>/vpcflowlogs/<region>/*, its Hive form, or
                         s3://bucket[/prefix]/AWSLogs/*; a folder or glob on a laptop
  --delta-output-path    folder of the table: new, empty, or with this job's table; omit it for a managed table
  --checkpoint-path      folder for the state of the stream; belongs to one table and one VPC Logs Path
  --table-name           [catalog.][schema.]name
  --region-name          region of the bucket, for example us-east-1
  --headers              comma-separated field names: the columns of the table, and the field order of files
                         without a header line
  --notifications        auto-loader (default; off on a laptop), queue or off
  --queue-url            URL of the SQS queue, with --notifications queue
  --trigger              available-now (default) or continuous
  --interval-seconds     how often a continuous run looks for new files (default: 60)
  --max-files-per-batch  maximum number of files in one micro-batch
  --new-checkpoint       how to use a new checkpoint with a table that has rows: refuse (default), adopt (load only
                         files that the table does not have) or reload (load all files again)
  --answers              create (default; off on a laptop) the views and table functions that answer questions, next
                         to the table; or off
  --names-table          table with names of addresses, which the answers show: cidr, name, owner, list"""

_LOADING = ("trigger", "interval-seconds", "max-files-per-batch", "answers", "names-table")  # verify does not use these


def _without(usage: str, names: tuple[str, ...]) -> list[str]:
    """Return the lines of a usage text without these parameters and their continuation lines."""
    lines, is_kept = [], True
    for line in usage.splitlines():
        if line.startswith("  --"):
            is_kept = not line.strip().startswith(tuple(f"--{name} " for name in names))
        if is_kept:
            lines.append(line)
    return lines


VERIFY_USAGE = "\n".join(
    [
        "Reports the available files and missing prerequisites of the job; loads nothing.",
        *_without(USAGE, _LOADING),
        "",
        "--trigger, --interval-seconds, --max-files-per-batch, --answers and --names-table are accepted but not used.",
    ]
)

MAINTAIN_USAGE = """\
Rolls up finished hours, deletes expired rows, and compacts and vacuums the tables that the job fills.
Parameters, each as --name=value or --name value:

  --table-name           [catalog.][schema.]name of the records table
  --delta-output-path    folder of the table; needed only if the catalog does not have the table
  --keep-days            days for which the table and its quarantine keep rows, 1 to 36500 (default: no limit)
  --keep-hourly-days     days for which the hourly roll-up keeps rows, not less than --keep-days (default: no limit)
  --dry-run              report what would be done, and change nothing

The other parameters of the job are accepted and checked, but not used."""
