"""Warnings about settings of an environment file that are allowed but may be a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from infra.environment import location_rules, maintenance, names, partitions
from infra.environment.rules import touch, undelivered
from infra.environment.schema import Environment


def warnings_of(environment: Environment, *, wrong: Sequence[str] = ()) -> list[str]:
    """Return a one-sentence warning for each setting that is allowed but may be a mistake.

    Args:
        environment: The file's keys.
        wrong: Keys that have a problem and may be missing. A warning that reads one of them is left out.
    """
    warnings = [warning for place, warning in _odd_regions(environment) if not _is_wrong((place,), wrong)]
    for reads, find in _WARNINGS:
        if not _is_wrong(reads, wrong):
            warnings += find(environment)
    return warnings


def _is_wrong(reads: Iterable[str], wrong: Sequence[str]) -> bool:
    return any(touch(read, key) for read in reads for key in wrong)


def _odd_regions(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield the place of each unusual region name, and the warning. Keys with a problem may be missing."""
    tables = [("aws", getattr(environment, "aws", None))]
    tables += [(f"flow_logs[{n}]", each) for n, each in enumerate(getattr(environment, "flow_logs", ()), 1)]
    for table, settings in tables:
        region = getattr(settings, "region", None)
        if region and not partitions.is_usual(region):
            place = f"{table}.region"
            yield (
                place,
                f'{place}: "{region}" does not look like an AWS region name, such as eu-central-1. Check the spelling',
            )


def _unsure_filter(environment: Environment) -> Iterator[str]:
    prefix = environment.log_bucket.prefix or ""
    if names.event_filter(prefix) != prefix and environment.job.notifications == "auto-loader":
        yield (
            f'log_bucket.prefix: "{prefix}" has characters that S3 compares in percent-encoded form. Databricks does '
            'not document whether Auto Loader encodes them in its notification. Use notifications = "stack" or other '
            "characters; otherwise the job may find new files only once a day"
        )


def _never_delivered(environment: Environment) -> list[str]:
    if not environment.log_bucket.existing or not environment.flow_logs:
        return []
    return [
        f"job.headers: no flow log in this file delivers {name}. The column stays empty unless other flow logs deliver "
        "it"
        for name in undelivered(environment)
    ]


def _of_maintenance(environment: Environment) -> Iterable[str]:
    return maintenance.warnings(environment.maintenance, retention_days=environment.log_bucket.retention_days)


_WARNINGS: tuple[tuple[tuple[str, ...], Callable[[Environment], Iterable[str]]], ...] = (
    (("flow_logs", "log_bucket.existing", "job.headers"), _never_delivered),
    (("log_bucket.prefix", "job.notifications"), _unsure_filter),
    (("job.table", "job.checkpoint_path", "job.delta_output_path"), location_rules.place_warnings),
    (("maintenance", "log_bucket.retention_days"), _of_maintenance),
)
"""The keys that each rule reads, with all keys below them, and the function that finds warnings."""
