"""Deploy the workspace half of an environment by hand, without CloudFormation.

    .venv/bin/python -m infra.workspace deploy --env staging     register, grant, upload, verify, jobs and dashboard
    .venv/bin/python -m infra.workspace verify --env staging     verify again that a cluster can read the logs
    .venv/bin/python -m infra.workspace status --env staging     show profile, grants, jobs, dashboard; change nothing
    .venv/bin/python -m infra.workspace destroy --env staging    remove all of this; keep data, tables and checkpoints

Workspace credentials come from the usual sources of the Databricks SDK (DATABRICKS_CLIENT_ID and
DATABRICKS_CLIENT_SECRET, DATABRICKS_TOKEN, DATABRICKS_CONFIG_PROFILE), and AWS credentials from those of boto3. Host
and region always come from the file. Exit status: 0 success, 1 failure, 2 invalid input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import boto3
from databricks.sdk import WorkspaceClient

from infra import command_line
from infra.config import Environment, load, refuse_examples, warnings_of
from infra.dashboard import document
from infra.environment import names
from infra.workspace import deployment, status
from infra.workspace.aws.tear_down import Aws
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.status import JobStatus
from infra.workspace.step import Step
from infra.workspace.wheel.wheel_file import WheelFile, read_wheel
from infra.workspace_spec import workspace_spec
from vpc_flow_logs.terminal import printable

_LIMIT_SECONDS = 60 * 60


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit status."""
    options = _options(arguments)
    return command_line.run(lambda: _run(options), stopped="Stopped. Run the same command again: it resumes from here")


def _run(options: argparse.Namespace) -> int:
    environment = load(options.env)
    workspace_spec(environment, queue_url=None)  # a file without [workspace] fails before any other check
    if options.command == "deploy":
        refuse_examples(environment, options.env)
    for warning in warnings_of(environment) if options.command in ("deploy", "verify") else []:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    spec = workspace_spec(environment, queue_url=_queue_url(environment, options.command))
    _COMMANDS[options.command](connect(spec.host), spec, options)
    return 0


def _deploy(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    print(f"Deploying {spec.environment} to {spec.host}", flush=True)
    result = deployment.deploy(
        client,
        spec,
        wheel_file=_wheel(options.wheel),
        aws=_aws(spec),
        pace=_pace(),
        template=document.template() if spec.warehouse_id else "",
    )
    steps = [step for step in result.steps if step.outcome != "note"]
    changed = sum(step.outcome != "unchanged" for step in steps)
    summary = f"{changed} of {len(steps)} steps changed something" if changed else "No changes were needed"
    print(f"\n{summary}. Job: {printable(result.job_url)}")
    if result.maintenance_url is not None:
        print(f"Maintenance job: {printable(result.maintenance_url)}")
    if result.dashboard_url is not None:
        print(f"Dashboard: {printable(result.dashboard_url)}")
    if spec.job.pause:
        print("The jobs are paused (job.pause)" if result.maintenance_url else "The job is paused (job.pause)")
    print(f"Table: {result.table}\nRuns: .venv/bin/python -m infra.workspace status --env {options.env}")


def _verify(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    print(f"Verifying {spec.environment} in {spec.host}", flush=True)
    deployment.verify(client, spec, wheel_file=_wheel(options.wheel), pace=_pace())
    print(f"\nA cluster with {spec.profile.arn} can read {spec.logs.path}")


def _destroy(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    print(f"Removing {spec.environment} from {spec.host}", flush=True)
    steps = deployment.destroy(client, spec, aws=_aws(spec), pace=_pace())
    if not steps:
        print("Nothing to remove")
    print(
        f"\nThe data is kept: the table {spec.table}, the checkpoint {spec.job.parameters['checkpoint-path']}, and "
        "their schema and volume"
    )


def _status(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    state = status.read(client, spec)
    print(f"{spec.environment} in {spec.host}")
    print(f"profile   {spec.profile.arn}{'' if state.registered else '  (not registered)'}")
    for grant in state.grants:
        print(f"grant     {printable(grant.principal)}{'' if grant.managed else '  (not granted by this deployment)'}")
    if not state.grants:
        print("grant     none")
    if state.job is None:
        print(f"job       none yet: .venv/bin/python -m infra.workspace deploy --env {options.env}")
    else:
        _show_job("job", state.job)
        print(f"wheel     {printable(state.job.wheel)}")
        print(f"table     {spec.table}")
        _show_runs("run", state.job)
    if state.maintenance is not None:
        _show_job("maintain", state.maintenance)
        _show_runs("last run", state.maintenance)
    elif spec.maintenance is None:
        print("maintain  disabled (maintenance.enabled)")
    else:
        print(f"maintain  none yet: .venv/bin/python -m infra.workspace deploy --env {options.env}")
    if state.dashboard is not None:
        note = "" if state.dashboard.published else "  (not published)"
        print(f"dashboard {state.dashboard.id}  {printable(state.dashboard.path)}{note}")
        print(f"          {printable(state.dashboard.url)}")


def _show_job(label: str, job: JobStatus) -> None:
    print(f"{label:<10}{printable(job.url)}  ({job.trigger})")
    if job.owner:
        print(f"run as    {printable(job.runs_as)}  (set by hand; the next deploy restores {job.owner})")


def _show_runs(label: str, job: JobStatus) -> None:
    for run in job.runs:
        began = f"{run.began:%Y-%m-%d %H:%M:%S} UTC" if run.began else "-" if run.over else "not started"
        print(f"{label:<10}{began}  {printable(run.state)}  {printable(run.url)}")
    if not job.runs:
        print(f"{label:<10}none yet")


_COMMANDS: dict[str, Callable[[WorkspaceClient, WorkspaceSpec, argparse.Namespace], None]] = {
    "deploy": _deploy,
    "verify": _verify,
    "destroy": _destroy,
    "status": _status,
}


def _wheel(path: Path | None) -> WheelFile:
    """Return the given wheel, or build one from this repository."""
    return command_line.built_wheel() if path is None else read_wheel(path)


def _queue_url(environment: Environment, command: str) -> str | None:
    """Return the URL of the queue that the stack created, or None if the command does not need one."""
    if environment.job.notifications != "stack" or command in ("destroy", "status"):
        return None
    name = names.queue_name(environment)
    with explaining(f"Looking for the queue {name}, which make deploy creates"):
        response = boto3.client("sqs", region_name=environment.aws.region).get_queue_url(QueueName=name)
        return str(response["QueueUrl"])


def _aws(spec: WorkspaceSpec) -> Aws:
    with explaining("Signing in to AWS"):
        return Aws(**{name: boto3.client(name, region_name=spec.region) for name in ("s3", "sns", "sqs")})


def _pace() -> Pace:
    return Pace(later=command_line.Waiting(limit_seconds=_LIMIT_SECONDS, too_long=_too_long), report=_print_step)


def _too_long(what: str) -> DeploymentError:
    advice = "Run the same command again: it resumes from here"
    return DeploymentError(f"Still {what}, after an hour", advice=advice)


def _print_step(step: Step) -> None:
    first, *more = [printable(line) for line in step.detail.splitlines()] or [""]
    print(f"  {step.outcome:<10} {printable(step.name)}{f'  {first}' if first else ''}", flush=True)
    for line in more:
        print(f"             {line}", flush=True)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.workspace",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--env", required=True, help="name in environments/, or the path of a file")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="wheel of the job (default: build it from job/)")
    return parser.parse_args(arguments)
