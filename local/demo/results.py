"""``python -m local.demo.results``: what is in the demo's tables, and whether that is what was delivered."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from local import spark
from local.demo.check import Found, differences
from local.demo.folder import TABLE, Folder
from local.demo.manifest import Manifest
from local.demo.tables import QUARANTINE, Tables
from local.demo.text import aligned, in_bytes, shown
from local.jars import JarsError
from local.java import JavaError

_QUICK_START = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}
"""Java's thorough compiler pays off after minutes; a few queries are answered in two thirds of the time without it."""


def main(folder: Folder) -> int:
    """Show and check the tables; the exit status: 1 when they do not hold what was delivered."""
    try:
        manifest = Manifest.load(folder.manifest)
    except (OSError, ValueError, TypeError, KeyError):
        print(f"{folder.path} holds no demo that ran: python -m local.demo", file=sys.stderr)
        return 2
    session = None
    try:
        session = spark.session(app_name="vpc-flow-logs demo", warehouse=folder.tables, extra=_QUICK_START)
        return _show(Tables(session), manifest, folder)
    except (JarsError, JavaError) as error:
        print(error, file=sys.stderr)
    except (PySparkException, Py4JError) as error:
        print(f"the tables cannot be read: {' '.join(str(error).splitlines()[:2])}", file=sys.stderr)
    finally:
        if session is not None:
            spark.stop(session)
    return 1


def _show(tables: Tables, manifest: Manifest, folder: Folder) -> int:
    quarantined = tables.quarantined_lines()
    found = tables.by_flow_log()
    print(_flow_logs(manifest, found))
    print("\nTop talkers: who sent the most bytes\n")
    print(aligned(("from", "bytes", "flows"), [(a, in_bytes(b), n) for a, b, n in tables.top_talkers(5)]))
    print("\nRejected: the ports that were asked for most\n")
    print(aligned(("port", "protocol", "flows", "from addresses"), tables.rejected_ports(5)))
    print("\nQuarantine: what is no record, and why\n")
    done = {file.name: file.done for file in manifest.damaged}
    for name, entries in tables.quarantine().items():
        print(f"  {name}\n    {done.get(name, 'nobody damaged it')}")
        print(_indented(aligned(("line", "lines", "reason", "begins with"), entries), by=4))
    print(_check(manifest, found))
    problems = differences(manifest, found, quarantined)
    for problem in problems:
        print(f"  DIFFERENCE  {problem}")
    print("\nWhat is there now\n")
    print(aligned(("table", "rows", "where"), [
        (TABLE, tables.rows(TABLE), shown(folder.table)),
        (QUARANTINE, tables.rows(QUARANTINE), shown(folder.tables / QUARANTINE)),
    ]))  # fmt: skip
    print(f"\nQuery them:\n\n{_query(folder)}")
    return 1 if problems else 0


def _flow_logs(manifest: Manifest, found: dict[str, Found]) -> str:
    rows = []
    for log in manifest.flow_logs:
        own = found.get(log.id, Found())
        neither = own.rows - own.accepted - own.rejected
        rows.append((log.what, log.format, own.rows, own.accepted, own.rejected, neither))
    told = aligned(("flow log of", "format", "rows", "ACCEPT", "REJECT", "neither"), rows)
    return f"Rows by flow log (neither: no traffic, or a transit gateway's, which tells no action)\n\n{told}"


def _check(manifest: Manifest, found: dict[str, Found]) -> str:
    rows = [
        (log.what, log.lines, "=", own.rows, "+", own.quarantined, "" if _agree(log.lines, own) else "<-- differs")
        for log in manifest.flow_logs
        for own in [found.get(log.id, Found())]
    ]
    there, kept = sum(own.rows for own in found.values()), sum(own.quarantined for own in found.values())
    told = aligned(("flow log of", "delivered lines", "", "rows", "", "quarantined", ""), rows)
    sum_ = f"delivered {manifest.lines:,} lines, in the tables {there:,} rows + {kept:,} quarantined"
    if manifest.lines == there + kept:
        sum_ = f"delivered {manifest.lines:,} lines = {there:,} rows + {kept:,} quarantined: nothing lost"
    return f"\nCheck against what was written\n\n{told}\n\n{sum_}"


def _agree(lines: int, found: Found) -> bool:
    return lines == found.rows + found.quarantined


def _query(folder: Folder) -> str:
    statement = f"SELECT action, count(*) AS flows, sum(bytes) AS bytes FROM {TABLE} GROUP BY action"
    code = (
        "from pathlib import Path; from local.spark import session; "
        f'session(warehouse=Path("{shown(folder.tables)}")).sql("{statement}").show()'
    )
    return f"{shown(Path(sys.executable))} -c {shlex.quote(code)}"


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main(Folder(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo"))))
