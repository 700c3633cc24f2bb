"""Deploy the workspace half of an environment by hand: what `cdk deploy` does through CloudFormation.

    .venv/bin/python -m infra.workspace deploy --env staging     register, grant, upload, verify, create the job
    .venv/bin/python -m infra.workspace verify --env staging     prove again, from a cluster, that it reads the logs
    .venv/bin/python -m infra.workspace status --env staging     profile, grants, job, last runs; changes nothing
    .venv/bin/python -m infra.workspace destroy --env staging    remove all of it; data, tables and checkpoints stay

Workspace credentials come from the Databricks SDK's usual sources (DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET,
DATABRICKS_TOKEN, DATABRICKS_CONFIG_PROFILE), AWS credentials from boto3's. Host and region are always the file's.
Exit status: 0 done, 1 failed, 2 bad input.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import boto3
from databricks.sdk import WorkspaceClient

from infra.assets.wheel import WheelBuildError, build_wheel
from infra.config import Environment, EnvironmentFileError, load, refuse_examples, warnings_of
from infra.environment import names
from infra.workspace import deployment, status
from infra.workspace.aws.tear_down import Aws
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.wheel.wheel_file import WheelFile, read_wheel
from infra.workspace_spec import NoWorkspaceError, workspace_spec
from vpc_flow_logs.terminal import printable

_POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 60 * 60


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit status."""
    options = _options(arguments)
    # The SDK warns of what our own messages report.
    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    try:
        environment = load(options.env)
        workspace_spec(environment, queue_url=None)
        if options.command == "deploy":
            refuse_examples(environment, options.env)
    except (EnvironmentFileError, NoWorkspaceError) as error:
        print(error, file=sys.stderr)
        return 2
    for warning in warnings_of(environment) if options.command in ("deploy", "verify") else []:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    try:
        spec = workspace_spec(environment, queue_url=_queue_url(environment, options.command))
        client = connect(spec.host)
        _COMMANDS[options.command](client, spec, options)
    except (DeploymentError, WheelBuildError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: it resumes from here", file=sys.stderr)
        return 1
    return 0


def _deploy(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    print(f"Deploying {spec.environment} to {spec.host}", flush=True)
    done = deployment.deploy(client, spec, wheel_file=_wheel(options.wheel), aws=_aws(spec), pace=_pace())
    steps = [step for step in done.steps if step.outcome != "note"]
    changed = sum(step.outcome != "unchanged" for step in steps)
    news = f"{changed} of {len(steps)} steps changed something" if changed else "Nothing had to change"
    print(f"\n{news}. The job: {printable(done.job_url)}")
    if spec.job.pause:
        print("It is paused (job.pause)")
    print(f"Table: {done.table}\nIts runs: .venv/bin/python -m infra.workspace status --env {options.env}")


def _verify(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    print(f"Verifying {spec.environment} in {spec.host}", flush=True)
    deployment.verify(client, spec, wheel_file=_wheel(options.wheel), pace=_pace())
    print(f"\nA cluster with {spec.profile.arn} reads {spec.logs.path}")


def _destroy(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    print(f"Removing {spec.environment} from {spec.host}", flush=True)
    steps = deployment.destroy(client, spec, aws=_aws(spec), pace=_pace())
    if not steps:
        print("Nothing is left to remove")
    print(
        f"\nIts data stays: the table {spec.table}, the checkpoint {spec.job.parameters['checkpoint-path']}, their "
        "schema and volume"
    )


def _status(client: WorkspaceClient, spec: WorkspaceSpec, options: argparse.Namespace) -> None:
    found = status.look(client, spec)
    print(f"{spec.environment} in {spec.host}")
    print(f"profile   {spec.profile.arn}{'' if found.registered else '  (not registered)'}")
    for grant in found.grants:
        print(f"grant     {printable(grant.who)}{'' if grant.ours else '  (made by others)'}")
    if not found.grants:
        print("grant     nobody")
    if found.job_url is None:
        print(f"job       none yet: .venv/bin/python -m infra.workspace deploy --env {options.env}")
        return
    print(f"job       {printable(found.job_url)}  ({found.trigger})")
    if found.owner:
        print(f"run as    {printable(found.runs_as)}  (set by hand; the next deploy sets {found.owner} again)")
    print(f"wheel     {printable(found.wheel)}")
    print(f"table     {spec.table}")
    for run in found.runs:
        began = f"{run.began:%Y-%m-%d %H:%M:%S} UTC" if run.began else "-" if run.over else "not begun"
        print(f"run       {began}  {printable(run.state)}  {printable(run.url)}")
    if not found.runs:
        print("run       none yet")


_COMMANDS: dict[str, Callable[[WorkspaceClient, WorkspaceSpec, argparse.Namespace], None]] = {
    "deploy": _deploy,
    "verify": _verify,
    "destroy": _destroy,
    "status": _status,
}


def _wheel(path: Path | None) -> WheelFile:
    """Return the given wheel, or build it from this repository: the same content gives the same wheel."""
    if path is not None:
        return read_wheel(path)
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        return read_wheel(build_wheel(Path(folder)))


def _queue_url(environment: Environment, command: str) -> str | None:
    """Return the queue that the stack created, where the job reads from one."""
    if environment.job.notifications != "stack" or command in ("destroy", "status"):
        return None
    name = names.queue_name(environment)
    with saying(f"Looking for the queue {name}, which make deploy creates"):
        found = boto3.client("sqs", region_name=environment.aws.region).get_queue_url(QueueName=name)
        return str(found["QueueUrl"])


def _aws(spec: WorkspaceSpec) -> Aws:
    with saying("Signing in to AWS"):
        return Aws(**{name: boto3.client(name, region_name=spec.region) for name in ("s3", "sns", "sqs")})


def _pace() -> Pace:
    started = time.monotonic()
    said: dict[str, float] = {}

    def later(what: str) -> None:
        now = time.monotonic()
        if now - started > _PATIENCE_SECONDS:
            raise DeploymentError(
                f"Still {what}, after an hour", advice="Run the same command again: it resumes from here"
            )
        # Every half a minute, and whenever there is something new to report.
        if now - said.get(what, -60) > 30:
            said[what] = now
            print(f"  … {printable(what)}  {_spoken(now - started)}", flush=True)
        time.sleep(min(_POLL_SECONDS, 1 + (now - started) / 10))

    return Pace(later=later, report=_tell)


def _tell(step: Step) -> None:
    first, *more = [printable(line) for line in step.detail.splitlines()] or [""]
    print(f"  {step.outcome:<10} {printable(step.name)}{f'  {first}' if first else ''}", flush=True)
    for line in more:
        print(f"             {line}", flush=True)


def _spoken(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.workspace",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--env", required=True, help="name in environments/, or path of a file")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="the job's wheel (default: built from job/)")
    return parser.parse_args(arguments)
