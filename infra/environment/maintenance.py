"""The ``[maintenance]`` table of an environment file: its schema and its rules."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from infra.environment import field_types as v
from infra.environment.flow_logs.schema import Section
from infra.environment.problems import Problem


class Maintenance(Section):
    """``[maintenance]``: the job that rolls up, expires and compacts the tables."""

    enabled: bool = Field(
        default=True,
        description="create the maintenance job. If false, a deployment deletes the one that it created, and the rows "
        "stay",
    )
    schedule: v.Schedule = Field(
        default="0 0 3 * * ?",
        description="Quartz cron expression in UTC",
        examples=["0 30 2 ? * SUN"],
    )
    keep_days: v.Days | None = Field(
        default=None,
        description="days after which the rows of the table and of its quarantine table are deleted (default: rows are "
        "kept)",
        examples=[90],
    )
    keep_hourly_days: v.Days | None = Field(
        default=None,
        description="days after which the rows of the hourly roll-up are deleted, at least `keep_days` if that is set. "
        "Deleted hours are not computed again, even if the table keeps their rows (default: rows are kept)",
        examples=[400],
    )
    node_type: v.NodeType | None = Field(
        default=None,
        description="instance type of the maintenance job's cluster (default: that of `[workspace.cluster]`)",
        examples=["m6gd.2xlarge"],
    )
    workers: v.Workers | None = Field(
        default=None,
        description="workers of the maintenance job's cluster (default: those of `[workspace.cluster]`)",
        examples=[2],
    )


def problems(maintenance: Maintenance) -> Iterator[Problem]:
    """Yield a problem if the roll-up expires before the rows that it sums up."""
    keep, keep_hourly = maintenance.keep_days, maintenance.keep_hourly_days
    if keep_hourly is None or keep_hourly >= (keep or keep_hourly):
        return
    yield Problem(
        "maintenance.keep_hourly_days",
        f"{keep_hourly} is less than keep_days, which is {keep}: the roll-up would expire before the rows that it sums "
        "up. Use at least that many days, or remove the key to keep the roll-up",
    )


def dashboard_problems(maintenance: Maintenance, *, has_dashboard: bool) -> Iterator[Problem]:
    """Yield a problem if there is a dashboard, but no job that creates the roll-up that it reads."""
    if has_dashboard and not maintenance.enabled:
        yield Problem(
            "workspace.warehouse_id",
            "the dashboard reads the hourly roll-up, which the maintenance job creates, but maintenance.enabled is "
            "false. Enable the maintenance job, or remove this key",
        )


def warnings(maintenance: Maintenance, *, retention_days: int | None) -> Iterator[str]:
    """Yield a warning for each expiry that has no effect, or outlasts the delivered files.

    Args:
        maintenance: The section.
        retention_days: Days after which the delivered files are deleted; None if they are kept.
    """
    keep = maintenance.keep_days
    if not maintenance.enabled:
        for name in ("keep_days", "keep_hourly_days"):
            if getattr(maintenance, name) is not None:
                yield f"maintenance.{name}: has no effect with enabled = false: no row expires"
    elif keep is not None and retention_days is not None and keep > retention_days:
        yield (
            f"maintenance.keep_days: rows are kept for {keep} days, but log_bucket.retention_days deletes the delivered"
            f" files after {retention_days}. Older rows cannot be loaded again, and a limit on how long you may keep "
            "flow logs applies to the tables too"
        )
