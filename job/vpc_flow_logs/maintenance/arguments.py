"""The arguments of `maintain`: the job's parameters, so that a job can pass the same list, and its own options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vpc_flow_logs import parameters
from vpc_flow_logs.arguments import arguments_of
from vpc_flow_logs.parameters import count_problem, one_of
from vpc_flow_logs.paths import without_trailing_slash

REQUIRED = ("table-name",)
OWN = ("keep-days", "keep-hourly-days", "dry-run")
OPTIONAL = ("delta-output-path", *OWN)
UNUSED = tuple(
    name for name in (*parameters.REQUIRED, *parameters.OPTIONAL) if name not in (*REQUIRED, "delta-output-path")
)
"""The parameters of the job that `maintain` checks but does not use."""

MOST_DAYS = 36_500
"""Maximum retention period in days, about a hundred years. Environment files have the same limit."""

_FLAGS = ("dry-run",)
_BOOLEANS = ("true", "false")


@dataclass(frozen=True)
class Arguments:
    """The checked arguments of `maintain`.

    Attributes:
        table_name: Name of the records table, as ``[catalog.][schema.]name``.
        delta_output_path: Folder of the records table, without a trailing slash; empty for a managed table.
        keep_days: Number of days for which the records table and the quarantine table keep rows; None for no limit.
        keep_hourly_days: Number of days for which the hourly roll-up keeps rows; None for no limit.
        dry_run: Report what would be done, and change nothing.
    """

    table_name: str
    delta_output_path: str = ""
    keep_days: int | None = None
    keep_hourly_days: int | None = None
    dry_run: bool = False


def read(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the argument values by name, and the problems with the syntax of the arguments."""
    return arguments_of(arguments, required=REQUIRED, optional=(*OPTIONAL, *UNUSED), flags=_FLAGS)


def problems_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the problem with each invalid value, by argument name. An argument that is absent has no problem."""
    problems = parameters.problems_of({name: value for name, value in values.items() if name not in OWN})
    checks: dict[str, Callable[[str], str | None]] = {
        "keep-days": lambda value: count_problem(value, MOST_DAYS),
        "keep-hourly-days": lambda value: count_problem(value, MOST_DAYS),
        "dry-run": lambda value: one_of(value, _BOOLEANS),
    }
    own = {name: check(values[name]) for name, check in checks.items() if name in values}
    problems |= {name: problem for name, problem in own.items() if problem is not None}
    raw, hourly = (values.get(name) for name in ("keep-days", "keep-hourly-days"))
    if raw and hourly and not own["keep-days"] and not own["keep-hourly-days"] and int(hourly) < int(raw):
        problems["keep-hourly-days"] = (
            f"{hourly!r} is less than --keep-days {raw!r}; the roll-up must keep its hours at least as long as the "
            "table keeps its rows"
        )
    return problems


def options_of(values: Mapping[str, str]) -> Arguments:
    """Return the arguments for values that have no problems."""
    return Arguments(
        table_name=values["table-name"],
        delta_output_path=without_trailing_slash(values.get("delta-output-path", "")),
        keep_days=_count(values, "keep-days"),
        keep_hourly_days=_count(values, "keep-hourly-days"),
        dry_run=values.get("dry-run") == "true",
    )


def _count(values: Mapping[str, str], name: str) -> int | None:
    return int(values[name]) if name in values else None
