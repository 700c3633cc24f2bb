"""Write a folder of believable flow log files, laid out as AWS lays out a bucket."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

from local.traffic.files import PERIOD_SECONDS, FlowLog, period_start
from local.traffic.network import Network
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT, is_known, looks_like_name

FORMATS: dict[str, tuple[str, ...]] = {
    "default": DEFAULT_FORMAT,
    "v3": tuple(field.name for field in FIELDS if field.version <= 3),
    "v5": tuple(field.name for field in FIELDS if field.version <= 5),
    "tgw": TGW_DEFAULT_FORMAT,
    "all": tuple(field.name for field in FIELDS),
}
"""The formats that have a name here."""

_YESTERDAY = "yesterday, 00:00 UTC"

_MOST = {"records": 1_000_000_000, "files": 1_000_000, "minutes": 366 * 24 * 60, "seed": (1 << 63) - 1}
_MOST_IN_A_FILE = 20_000_000  # a file is drawn and compressed in memory


@dataclass(frozen=True)
class Plan:
    """What to write: ``files`` in all, ``records`` in all, both shared out evenly over flow logs and ``minutes``."""

    output: Path
    flow_logs: tuple[FlowLog, ...]
    network: Network
    records: int
    minutes: int
    files: int
    seed: int
    start: datetime


class Refused(Exception):
    """Arguments that cannot be used; the message lists every problem."""


def plan_of(arguments: Sequence[str]) -> Plan:
    """The plan that the command line asks for; :class:`Refused` with all problems of it."""
    options, problems = _parsed(arguments)
    numbers = {
        name: _number(name, getattr(options, name), problems, least=0 if name == "seed" else 1)
        for name in _MOST
        if getattr(options, name) is not None
    }
    formats = [_format(text, problems) for text in options.format or ["default"]]
    start = _start(options.start, problems)
    minutes = numbers.get("minutes", 60)
    files = numbers.get("files", len(formats) * _periods(minutes) if minutes else None)
    count = numbers.get("records", 1000 * files if files else None)
    if files:
        problems += _wrong_totals(count, files=files, formats=len(formats))
    output = Path(options.output or ".")
    if output.exists() and not output.is_dir():
        problems.append(f"--output {output}: is not a folder")
    if problems or not (minutes and files and count):
        listed = "\n".join(f"  {problem}" for problem in problems)
        usage = "All options: .venv/bin/python -m local.generate --help"
        raise Refused(f"The arguments cannot be used:\n{listed}\n{usage}")

    seed = numbers.get("seed") or 0
    network = Network.seeded(seed)
    flow_logs = [_flow_log(network, fields, place, options=options, seed=seed) for place, fields in enumerate(formats)]
    return Plan(output, tuple(flow_logs), network, count, minutes, files, seed, period_start(start))


def _periods(minutes: int) -> int:
    """Return the number of delivery periods in a time, the last one perhaps in part."""
    return -(-minutes * 60 // PERIOD_SECONDS)


def _wrong_totals(count: int | None, *, files: int, formats: int) -> list[str]:
    """Return what is wrong with numbers that are good each on its own; a count of None is not looked at."""
    problems = []
    if files < formats:
        problems.append(f"--files {files}: each of the {formats} formats needs at least one file")
    if count is not None and count < files:
        problems.append(
            f"--records {count}: fewer than the {files} files; AWS writes no file without a record. "
            f"Ask for at least {files} --records, or for fewer --files"
        )
    if count is not None and count > files * _MOST_IN_A_FILE:
        problems.append(f"--records {count}: more than {_MOST_IN_A_FILE} per file; ask for more --files")
    return problems


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def _parsed(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options as texts, and the problems met so far.

    argparse ends at its first error; so it is given nothing to object to but a value for a switch, and an option
    without its value (``nargs="?"``) is found to be empty later, together with all else.
    """
    parser = _Parser(prog=".venv/bin/python -m local.generate", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", nargs="?", const="", metavar="DIR", help="folder to write to (required)")
    parser.add_argument(
        "--format",
        action="append",
        nargs="?",
        const="",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}, or field names in quotes; given again: one more flow log (default: default)",
    )
    parser.add_argument("--parquet", action="store_true", help="Parquet instead of gzip text")
    parser.add_argument("--hive", action="store_true", help="folders named year=... as for Hive")
    parser.add_argument("--hourly", action="store_true", help="a folder for each hour")
    parser.add_argument(
        "--records", nargs="?", const="", metavar="N", help="records in all files together (default: 1000 a file)"
    )
    parser.add_argument("--minutes", nargs="?", const="", metavar="N", help="length of the period (default: 60)")
    parser.add_argument(
        "--files", nargs="?", const="", metavar="N", help="files in all (default: one for each format and five minutes)"
    )
    parser.add_argument(
        "--seed", nargs="?", const="", metavar="N", help="another seed gives another network and traffic (default: 0)"
    )
    parser.add_argument(
        "--start", nargs="?", const="", metavar="ISO", help=f"begin of the period (default: {_YESTERDAY})"
    )
    problems: list[str] = []
    options = argparse.Namespace()
    try:
        options, unknown = parser.parse_known_args(arguments)
        problems += [f"{word}: unknown" for word in unknown]
    except Refused as refused:
        problems.append(str(refused))
        return parser.parse_args(["--output", "."]), problems
    if not options.output:
        problems.append("--output: missing; the folder to write to")
    return options, problems


def _number(name: str, text: str, problems: list[str], *, least: int) -> int | None:
    """Return the number; None, and a problem, for what is not an allowed one."""
    # The length first: Python refuses to read numbers of thousands of digits.
    if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= _MOST[name]:
        return int(text)
    problems.append(f"--{name} {text}".rstrip() + f": must be a whole number from {least} to {_MOST[name]}")
    return None


def _format(text: str, problems: list[str]) -> tuple[str, ...]:
    names = FORMATS.get(text) or tuple(text.replace(",", " ").split())
    if not any(map(is_known, names)) or not all(map(looks_like_name, names)):
        problems.append(
            f"--format {text!r}: must be {', '.join(FORMATS)}, or names of fields such as 'srcaddr dstaddr'"
        )
    return names


def _start(text: str | None, problems: list[str]) -> datetime:
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    if text is None:
        return today - timedelta(days=1)
    try:
        # Python 3.10 does not know the Z.
        start = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        problems.append(f"--start {text}: must be a time such as 2026-11-01T00:00Z (ISO 8601; UTC unless it says else)")
        return today
    if not 1971 <= start.year < 9000:
        problems.append(f"--start {text}: must be in the years 1971 to 8999")
        return today
    return start if start.tzinfo else start.replace(tzinfo=timezone.utc)


def _flow_log(
    network: Network, fields: tuple[str, ...], place: int, *, options: argparse.Namespace, seed: int
) -> FlowLog:
    of_gateway = any(name.startswith(("tgw-", "tgw_")) for name in fields) and "action" not in fields
    described = f"{seed} {place} {fields} {options.parquet}"
    return FlowLog(
        id=f"fl-0{hashlib.sha256(described.encode()).hexdigest()[:16]}",
        account=network.account,
        region=network.region,
        fields=fields,
        file_format="parquet" if options.parquet else "plain-text",
        hive_partitions=options.hive,
        hourly_partitions=options.hourly,
        aggregation_seconds=60,
        target_kind="TransitGateway" if of_gateway else "VPC",
        target_id=network.transit_gateway_id if of_gateway else network.vpc_id,
    )
