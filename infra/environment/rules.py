"""Rules across the keys of an environment file.

Each check lists the keys that it reads. It is skipped if one of them already has a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from infra.environment import answers, deliveries, location_rules, maintenance, names
from infra.environment.flow_logs.rules import flow_log_problems
from infra.environment.problems import Problem
from infra.environment.schema import Environment
from vpc_flow_logs.headers import headers_problem
from vpc_flow_logs.parameters import problems_of as parameter_problems
from vpc_flow_logs.paths import hourly_path, overlap, quarantine_path, without_trailing_slash


@dataclass(frozen=True)
class Check:
    """A rule across keys.

    Attributes:
        reads: The keys that the rule reads, each with all keys below it.
        find: The function that finds problems.
    """

    reads: tuple[str, ...]
    find: Callable[[Environment], Iterable[Problem]]


def problems_of(environment: Environment, *, wrong: Sequence[str], also: Sequence[Check] = ()) -> list[Problem]:
    """Return the problems across keys.

    Args:
        environment: The file's keys.
        wrong: Keys that already have a problem.
        also: Rules that need more than the file, such as a policy. They run first.
    """
    problems: list[Problem] = []
    for number, flow_log in enumerate(getattr(environment, "flow_logs", ()), 1):
        place = f"flow_logs[{number}]"
        problems += flow_log_problems(flow_log, place=place, wrong=wrong)
    wrong = [*wrong, *(problem.key for problem in problems)]
    for check in (*also, *_CHECKS):
        if not any(touch(read, key) for read in check.reads for key in wrong):
            problems += check.find(environment)
    return problems


def touch(one: str, other: str) -> bool:
    """Return whether two keys are the same or one is below the other."""
    short, long = sorted((one, other), key=len)
    return long == short or (long.startswith(short) and long[len(short)] in ".[")


def _roles_differ(environment: Environment) -> Iterator[Problem]:
    name = environment.reader.role_name
    # IAM treats names that differ only in case as the same name.
    if name.lower() == names.databricks_role_name(environment).lower():
        yield Problem(
            "reader.role_name",
            f'"{name}" is the role that Databricks uses to launch clusters (reader.databricks_role_arn). Choose '
            "another name for the reader role",
        )
    own = f"{names.stack_name(environment)}-"
    if name.lower().startswith(own.lower()):
        yield Problem(
            "reader.role_name",
            f'"{name}" begins with "{own}", like the stack\'s other roles. Choose another name',
        )


def _new_bucket(environment: Environment) -> Iterator[Problem]:
    bucket = environment.log_bucket
    if bucket.existing and bucket.retention_days is not None:
        yield Problem(
            "log_bucket.retention_days",
            f"{bucket.retention_days} has no effect: the stack does not manage the lifecycle of an existing bucket. "
            "Remove the key and set the rule on the bucket",
        )
    if not bucket.existing and "." in bucket.name:
        yield Problem(
            "log_bucket.name", f'"{bucket.name}" has a dot, which breaks TLS to the bucket. Use hyphens instead'
        )


def _some_flow_log(environment: Environment) -> Iterator[Problem]:
    bucket = getattr(environment, "log_bucket", None)
    # Without [log_bucket], the bucket counts as new, the default. If `existing` has a problem, either is possible.
    existing = bucket is not None and getattr(bucket, "existing", True)
    if not environment.flow_logs and not existing:
        yield Problem(
            "flow_logs",
            "is missing: without a flow log, a new bucket stays empty. Add at least one [[flow_logs]] table",
        )


def _no_doubles(environment: Environment) -> Iterator[Problem]:
    seen: dict[object, int] = {}
    for number, flow_log in enumerate(environment.flow_logs, 1):
        account, region = deliveries.source_of(environment, flow_log)
        # An explicit default gives the same flow log as an omitted key.
        effective = {
            "account": account,
            "region": region,
            "traffic": deliveries.traffic(flow_log),
            "aggregation_seconds": deliveries.aggregation_seconds(flow_log),
            "fields": deliveries.own_format(flow_log),
            "tags": None,
        }
        key = flow_log.model_copy(update=effective).model_dump_json()
        if key in seen:
            yield Problem(
                f"flow_logs[{number}]", f"duplicates flow_logs[{seen[key]}]; AWS rejects two identical flow logs"
            )
        seen.setdefault(key, number)


def _schedule(environment: Environment) -> Iterator[Problem]:
    job = environment.job
    if job.trigger == "scheduled" and job.schedule is None:
        yield Problem("job.schedule", 'is missing: trigger = "scheduled" needs one, such as "0 0/15 * * * ?"')
    if job.trigger == "continuous" and job.schedule is not None:
        yield Problem("job.schedule", 'applies only with trigger = "scheduled", but trigger is "continuous"')
    if job.trigger == "scheduled" and job.interval_seconds is not None:
        yield Problem("job.interval_seconds", 'applies only with trigger = "continuous", but trigger is "scheduled"')


def _headers(environment: Environment) -> Iterator[Problem]:
    given = environment.job.headers
    if given is None and not environment.flow_logs:
        yield Problem("job.headers", "is missing: without [[flow_logs]] it must list the fields of the files")
    problem = headers_problem(given) if given is not None else None
    if problem is not None:
        yield Problem("job.headers", problem)
    elif not environment.log_bucket.existing:
        for name in undelivered(environment):
            yield Problem(
                "job.headers", f'no flow log delivers "{name}". Add it to the fields of a flow log, or remove it here'
            )


def undelivered(environment: Environment) -> list[str]:
    """Return the columns of the table that no flow log of the file delivers."""
    delivered = {name for flow_log in environment.flow_logs for name in deliveries.delivered_fields(flow_log)}
    return [name for name in deliveries.headers(environment) if name not in delivered]


def _paths(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each folder of the job that overlaps another folder or the delivered logs.

    A lifecycle rule that expires delivered logs would delete the table's files too.
    """
    job = environment.job
    delta = without_trailing_slash(job.delta_output_path)
    logs = f"s3://{environment.log_bucket.name}/{names.logs_prefix(environment)}*"
    # The job's rule, applied to all of AWSLogs/.
    problems = parameter_problems({"delta-output-path": delta, "checkpoint-path": job.checkpoint_path})
    hourly, checkpoint = hourly_path(delta), job.checkpoint_path
    tables = {
        quarantine_path(delta): ", the path of the quarantine table,",
        hourly: ", the path of the hourly roll-up,",
    }
    folders = [("delta-output-path", path) for path in (delta, *tables) if path]
    for name, path in (*folders, ("checkpoint-path", checkpoint)):
        if overlap(path, logs) and "where flow logs are delivered" not in problems.get(name, ""):
            subject = f'"{path}"{tables.get(path, "")}'
            problems[name] = f"{subject} overlaps {logs}, where flow logs are delivered. Use a separate folder"
    if hourly and overlap(checkpoint, hourly):
        text = f"{checkpoint!r} overlaps the path of the hourly roll-up {hourly!r}; use separate folders"
        problems.setdefault("checkpoint-path", text)
    for name, problem in problems.items():
        yield Problem(f"job.{name.replace('-', '_')}", problem)


def _dashboard(environment: Environment) -> Iterator[Problem]:
    has_dashboard = environment.workspace is not None and environment.workspace.warehouse_id is not None
    yield from maintenance.dashboard_problems(environment.maintenance, has_dashboard=has_dashboard)


_CHECKS = (
    Check(reads=("aws.account", "reader.databricks_role_arn"), find=location_rules.databricks_account),
    Check(reads=("reader",), find=_roles_differ),
    Check(reads=("aws.region", "reader.databricks_role_arn"), find=location_rules.role_partition),
    Check(reads=("aws.region", "log_bucket.kms_key_arn"), find=location_rules.key),
    Check(reads=("aws", "workspace.secret_arn"), find=location_rules.secret),
    Check(reads=("aws.region", "flow_logs"), find=location_rules.flow_log_partitions),
    Check(reads=("log_bucket.name", "log_bucket.existing", "log_bucket.retention_days"), find=_new_bucket),
    Check(reads=("flow_logs",), find=_some_flow_log),
    Check(reads=("aws", "flow_logs"), find=_no_doubles),
    Check(reads=("job.trigger", "job.schedule", "job.interval_seconds"), find=_schedule),
    Check(
        reads=("maintenance.keep_days", "maintenance.keep_hourly_days"),
        find=lambda environment: maintenance.problems(environment.maintenance),
    ),
    Check(reads=("workspace.warehouse_id", "maintenance.enabled"), find=_dashboard),
    Check(
        reads=("job.table", "answers.names_table"),
        find=lambda environment: answers.problems(environment.answers, table=environment.job.table),
    ),
    Check(reads=("flow_logs", "log_bucket.existing", "job.headers"), find=_headers),
    Check(reads=("job.table", "job.delta_output_path", "job.external_location"), find=location_rules.external_location),
    Check(reads=("log_bucket.name", "log_bucket.prefix", "job.delta_output_path", "job.checkpoint_path"), find=_paths),
)
