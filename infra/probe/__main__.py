"""Record the behavior of a real workspace and account in a report to attach to a bug report.

    .venv/bin/python -m infra.probe --env staging                     write probe-staging.md
    .venv/bin/python -m infra.probe --env staging --output FILE       write FILE

The probe starts one cluster like the job's, with the job's instance profile, for a few minutes. The job keeps running,
and the probe leaves nothing behind. The Databricks SDK looks for credentials in its default locations; only the
cluster calls AWS.
Exit status: 0 the report was written, whatever its results; 1 it was not written; 2 invalid input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from databricks.sdk import WorkspaceClient

from infra import command_line
from infra.config import Environment, load
from infra.environment import names
from infra.probe import deployed, masking, report, run
from infra.workspace import preflight
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace_spec import workspace_spec
from vpc_flow_logs import __version__
from vpc_flow_logs.answer import Answer

_LIMIT_MINUTES = 45


def main(arguments: Sequence[str]) -> int:
    """Probe, write the report, and return the exit status."""
    options = _options(arguments)
    return command_line.run(
        lambda: _run(options), stopped="Stopped. The probe's run was canceled, and nothing was left behind"
    )


def _run(options: argparse.Namespace) -> int:
    environment = load(options.env)
    spec = workspace_spec(environment, queue_url=_queue_url(environment))
    output = options.output or Path(f"probe-{environment.name}.md")
    print(f"Probing {environment.name} in {spec.host}. This starts one cluster for a few minutes", flush=True)
    client = connect(spec.host)
    answers = _answers(client, spec)
    names_to_mask = {**deployed.names(client), **_derived(environment), **masking.names_of(environment)}
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    text = report.markdown(answers, version=__version__, when=when, mask=masking.Mask(names_to_mask))
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{text}\nCannot write {output}: {error.strerror}. Set another file with --output", file=sys.stderr)
        return 1
    print(f"\n{text}\nReport: {output}")
    if run.NOT_REGISTERED in answers:
        print(f"No cluster was started. Next: run make deploy ENV={options.env} ARGS=--no-rollback, which keeps the")
        print(f"created resources if the deployment fails, then make probe ENV={options.env}")
    else:
        print("Next: read the report and attach it to a bug report")
    return 0


def _answers(client: WorkspaceClient, spec: WorkspaceSpec) -> list[Answer]:
    if "queue-url" in spec.job.parameters and (url := deployed.queue_url(client, spec)):
        spec = replace(spec, job=replace(spec.job, parameters={**spec.job.parameters, "queue-url": url}))
    has_disk = preflight.has_disk(client, spec)
    wheel = command_line.built_wheel()
    pace = Pace(later=command_line.Waiting(limit_seconds=_LIMIT_MINUTES * 60, too_long=_too_long))
    answers = run.answers(client, spec, wheel_file=wheel, has_disk=has_disk, pace=pace)
    return [*answers, *deployed.answers(client, spec, has_disk=has_disk)]


def _too_long(what: str) -> DeploymentError:
    return DeploymentError(f"Still {what}, after {_LIMIT_MINUTES} minutes. The run was canceled")


def _queue_url(environment: Environment) -> str | None:
    """Return the URL of the stack's queue, composed from region, account and name."""
    if environment.job.notifications != "stack":
        return None
    region, suffix = environment.aws.region, ".cn" if environment.aws.region.startswith("cn-") else ""
    host = f"https://sqs.{region}.amazonaws.com{suffix}"
    return f"{host}/{environment.aws.account}/{names.queue_name(environment)}"


def _derived(environment: Environment) -> dict[str, str]:
    """Return the names that are derived from the environment's name, with their replacements."""
    return {
        environment.name: "<environment>",
        names.stack_name(environment): "<stack>",
        names.queue_name(environment): "<queue>",
        names.topic_name(environment): "<topic>",
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.probe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--env", required=True, help="name of a file in environments/, or path of a file")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file for the report (default: probe-NAME.md)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
