"""Write a folder of realistic flow log files, in the layout that AWS uses in a bucket."""

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
"""The named formats."""

_YESTERDAY = "yesterday, 00:00 UTC"

_MOST = {"records": 1_000_000_000, "files": 1_000_000, "minutes": 366 * 24 * 60, "seed": (1 << 63) - 1}
_MOST_IN_A_FILE = 20_000_000  # the records of a file are drawn and compressed in memory


@dataclass(frozen=True)
class Plan:
    """The files to write.

    Attributes:
        output: the folder to write to.
        flow_logs: the flow logs; ``files`` and ``records`` are spread evenly over them and over the time.
        network: the network that the traffic belongs to.
        records: the total number of records.
        minutes: the length of the period.
        files: the total number of files.
        seed: equal seeds give equal traffic.
        start: the start of the period, at a five-minute boundary.
    """

    output: Path
    flow_logs: tuple[FlowLog, ...]
    network: Network
    records: int
    minutes: int
    files: int
    seed: int
    start: datetime


class InvalidArguments(Exception):
    """The arguments are invalid; the message lists every problem."""


def plan_of(arguments: Sequence[str]) -> Plan:
    """Return the plan that the command line describes.

    Raises:
        InvalidArguments: the arguments are invalid.
    """
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
        problems.append(f"--output {output}: not a folder; name a new or an existing folder")
    if problems or not (minutes and files and count):
        listed = "\n".join(f"  {problem}" for problem in problems)
        usage = "All options: .venv/bin/python -m local.generate --help"
        raise InvalidArguments(f"The arguments are invalid:\n{listed}\n{usage}")

    seed = numbers.get("seed") or 0
    network = Network.seeded(seed)
    flow_logs = [_flow_log(network, fields, place, options=options, seed=seed) for place, fields in enumerate(formats)]
    return Plan(output, tuple(flow_logs), network, count, minutes, files, seed, period_start(start))


def _periods(minutes: int) -> int:
    """Return the number of delivery periods in a number of minutes; the last one may be partial."""
    return -(-minutes * 60 // PERIOD_SECONDS)


def _wrong_totals(count: int | None, *, files: int, formats: int) -> list[str]:
    """Return the problems with numbers that are valid on their own but not together; None skips the record count."""
    problems = []
    if files < formats:
        problems.append(f"--files {files}: each of the {formats} formats needs at least one file")
    if count is not None and count < files:
        problems.append(
            f"--records {count}: fewer than the {files} files; AWS does not write empty files. "
            f"Increase --records to at least {files}, or reduce --files"
        )
    if count is not None and count > files * _MOST_IN_A_FILE:
        problems.append(f"--records {count}: more than {_MOST_IN_A_FILE} per file; increase --files")
    return problems


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArguments(message)


def _parsed(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options as text, and the problems so far.

    argparse stops at its first error, so the parser accepts nearly everything: it rejects only a value for a switch.
    An option without its value (``nargs="?"``) is empty, and is reported later together with the other problems.
    """
    parser = _Parser(prog=".venv/bin/python -m local.generate", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", nargs="?", const="", metavar="DIR", help="folder to write to (required)")
    parser.add_argument(
        "--format",
        action="append",
        nargs="?",
        const="",
        metavar="FORMAT",
        help=f"log format: {', '.join(FORMATS)}, or field names in quotes; repeat the option for more flow logs "
        "(default: default)",
    )
    parser.add_argument("--parquet", action="store_true", help="write Parquet instead of gzip text")
    parser.add_argument("--hive", action="store_true", help="name the folders year=..., month=... as Hive does")
    parser.add_argument("--hourly", action="store_true", help="write one folder per hour")
    parser.add_argument(
        "--records", nargs="?", const="", metavar="N", help="total number of records (default: 1000 per file)"
    )
    parser.add_argument("--minutes", nargs="?", const="", metavar="N", help="length of the period (default: 60)")
    parser.add_argument(
        "--files",
        nargs="?",
        const="",
        metavar="N",
        help="total number of files (default: one per format and five minutes)",
    )
    parser.add_argument(
        "--seed", nargs="?", const="", metavar="N", help="seed of the network and its traffic (default: 0)"
    )
    parser.add_argument(
        "--start", nargs="?", const="", metavar="ISO", help=f"start of the period (default: {_YESTERDAY})"
    )
    problems: list[str] = []
    options = argparse.Namespace()
    try:
        options, unknown = parser.parse_known_args(arguments)
        problems += [f"{word}: unknown argument" for word in unknown]
    except InvalidArguments as error:
        problems.append(str(error))
        return parser.parse_args(["--output", "."]), problems
    if not options.output:
        problems.append("--output: missing; name the folder to write to")
    return options, problems


def _number(name: str, text: str, problems: list[str], *, least: int) -> int | None:
    """Return the number. If it is not allowed, add a problem and return None."""
    # Check the length first: int() rejects text with thousands of digits.
    if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= _MOST[name]:
        return int(text)
    problems.append(f"--{name} {text}".rstrip() + f": must be a whole number from {least} to {_MOST[name]}")
    return None


def _format(text: str, problems: list[str]) -> tuple[str, ...]:
    names = FORMATS.get(text) or tuple(text.replace(",", " ").split())
    if not any(map(is_known, names)) or not all(map(looks_like_name, names)):
        problems.append(f"--format {text!r}: must be {', '.join(FORMATS)}, or field names such as 'srcaddr dstaddr'")
    return names


def _start(text: str | None, problems: list[str]) -> datetime:
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    if text is None:
        return today - timedelta(days=1)
    try:
        # Python 3.10 does not accept the Z.
        start = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        problems.append(f"--start {text}: must be an ISO 8601 time such as 2026-11-01T00:00Z (UTC by default)")
        return today
    if not 1971 <= start.year < 9000:
        problems.append(f"--start {text}: must be between the years 1971 and 8999")
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
