"""Ask what only a real workspace and account can answer, and write a report to attach to a bug report.

    .venv/bin/python -m infra.probe --env staging                     writes probe-staging.md
    .venv/bin/python -m infra.probe --env staging --output FILE       writes it there

It starts one cluster like the job's, with the job's instance profile, for a few minutes. The job goes on; nothing is
left behind. Credentials of the workspace are the Databricks SDK's ordinary ones; AWS is asked by the cluster.
Exit status: 0 a report was written, whatever it says; 1 it was not; 2 bad input.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from databricks.sdk import WorkspaceClient

from infra.assets.wheel import WheelBuildError, build_wheel
from infra.config import Environment, EnvironmentFileError, load
from infra.environment import names
from infra.probe import deployed, masking, report, run
from infra.workspace import preflight
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.wheel.wheel_file import WheelFile, read_wheel
from infra.workspace_spec import NoWorkspaceError, workspace_spec
from vpc_flow_logs import __version__
from vpc_flow_logs.answer import Answer
from vpc_flow_logs.terminal import printable

_POLL_SECONDS = 5.0
_SAY_SECONDS = 30.0
_PATIENCE_SECONDS = 45 * 60


def main(arguments: Sequence[str]) -> int:
    """Probe, write the report, and return the exit status."""
    options = _options(arguments)
    # The SDK warns about what the report then says.
    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    try:
        environment = load(options.env)
        spec = workspace_spec(environment, queue_url=_queue_url(environment))
    except (EnvironmentFileError, NoWorkspaceError) as error:
        print(error, file=sys.stderr)
        return 2
    output = options.output or Path(f"probe-{environment.name}.md")
    print(f"Probing {environment.name} in {spec.host}: this starts one cluster for a few minutes", flush=True)
    try:
        client = connect(spec.host)
        found = _asked(client, spec)
        named = {**deployed.names(client), **_derived(environment), **masking.names_of(environment)}
    except (DeploymentError, WheelBuildError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the probe's run was ended, and nothing was left behind", file=sys.stderr)
        return 1
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    text = report.markdown(found, version=__version__, when=when, mask=masking.Mask(named))
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{text}\n{output} cannot be written: {error.strerror}. Name another file with --output", file=sys.stderr)
        return 1
    print(f"\n{text}\nThe report: {output}")
    if run.NOT_REGISTERED in found:
        print(f"No cluster was asked. Next: make deploy ENV={options.env} ARGS=--no-rollback, which keeps what it made")
        print(f"if it fails; then make probe ENV={options.env}")
    else:
        print("Next: look through it, and attach it to a bug report")
    return 0


def _asked(client: WorkspaceClient, spec: WorkspaceSpec) -> list[Answer]:
    if "queue-url" in spec.job.parameters and (url := deployed.queue_url(client, spec)):
        spec = replace(spec, job=replace(spec.job, parameters={**spec.job.parameters, "queue-url": url}))
    has_disk = preflight.has_disk(client, spec)
    found = run.answers(client, spec, wheel_file=_wheel(), has_disk=has_disk, pace=Pace(later=_Waiting()))
    return [*found, *deployed.answers(client, spec, has_disk=has_disk)]


def _wheel() -> WheelFile:
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        return read_wheel(build_wheel(Path(folder)))


def _queue_url(environment: Environment) -> str | None:
    """Return the URL of the stack's queue, which follows from its name."""
    if environment.job.notifications != "stack":
        return None
    region, suffix = environment.aws.region, ".cn" if environment.aws.region.startswith("cn-") else ""
    host = f"https://sqs.{region}.amazonaws.com{suffix}"
    return f"{host}/{environment.aws.account}/{names.queue_name(environment)}"


def _derived(environment: Environment) -> dict[str, str]:
    """Return the names that follow from the file's."""
    return {
        environment.name: "<environment>",
        names.stack_name(environment): "<stack>",
        names.queue_name(environment): "<queue>",
        names.topic_name(environment): "<topic>",
    }


class _Waiting:
    """Waits, and prints what is waited for every half a minute."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._said: dict[str, float] = {}

    def __call__(self, what: str) -> None:
        now = time.monotonic() - self._started
        if now > _PATIENCE_SECONDS:
            raise DeploymentError(f"Still {what}, after {_PATIENCE_SECONDS // 60} minutes. The run was ended")
        if now - self._said.get(what, -_SAY_SECONDS) >= _SAY_SECONDS:
            self._said[what] = now
            print(f"  … {printable(what)}  {int(now) // 60}:{int(now) % 60:02}", flush=True)
        time.sleep(min(_POLL_SECONDS, 1 + now / 10))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.probe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--env", required=True, help="name in environments/, or path of a file")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the report (default: probe-NAME.md)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
