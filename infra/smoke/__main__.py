"""Check whether a deployed environment works, and print the next steps if it does not. Changes nothing.

    .venv/bin/python -m infra.smoke --env staging                     check until it works, for up to ten minutes
    .venv/bin/python -m infra.smoke --env staging --patience 0        check once
    .venv/bin/python -m infra.smoke --env staging --summary FILE      also append the findings to a Markdown file

The Databricks SDK and boto3 look for credentials in their default locations.
Exit status: 0 healthy, 1 not healthy, 2 invalid input.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from databricks.sdk import WorkspaceClient

from infra import command_line
from infra.config import Environment, load
from infra.smoke import bucket_policy, job, page, queue
from infra.smoke.judgement import Expected, Finding, judge, judge_policy
from infra.smoke.maintenance import judge_maintenance
from infra.workspace.client import connect
from infra.workspace.errors import DeploymentError
from infra.workspace.job.job_kind import MAINTENANCE, STREAMING
from infra.workspace.spec import WorkspaceSpec
from infra.workspace_spec import workspace_spec
from vpc_flow_logs.terminal import printable

_POLL_SECONDS = 5.0
_PRINT_SECONDS = 30.0


def main(arguments: Sequence[str]) -> int:
    """Check, print the findings, and return the exit status."""
    options = _options(arguments)
    return command_line.run(lambda: _smoke(options), stopped="Stopped. The smoke test changes nothing")


def _smoke(options: argparse.Namespace) -> int:
    environment = load(options.env)
    spec = workspace_spec(environment, queue_url=None)
    expected = Expected(
        environment=options.env,
        paused=spec.job.pause,
        queue_of_stack=environment.job.notifications == "stack",
        most_quarantined=options.most_quarantined_percent / 100,
        name=environment.name,
        bucket=environment.log_bucket.name,
        existing_bucket=environment.log_bucket.existing,
        maintenance=spec.maintenance is not None,
    )
    print(f"{environment.name} in {spec.host}", flush=True)
    try:
        findings = _findings(connect(spec.host), environment, spec, expected, patience=options.patience)
    except DeploymentError as error:
        findings = [Finding("wrong", "workspace", str(error), "fix the cause and run the smoke test again")]
    print(page.text(findings))
    if options.summary:
        with options.summary.open("a") as summary:
            summary.write(page.markdown(environment.name, findings) + "\n")
    return 1 if any(finding.state == "wrong" for finding in findings) else 0


def _findings(
    client: WorkspaceClient, environment: Environment, spec: WorkspaceSpec, expected: Expected, *, patience: float
) -> list[Finding]:
    """Return the findings as soon as waiting cannot improve them, or after ``patience`` seconds."""
    started, printed = time.monotonic(), -_PRINT_SECONDS
    # Waiting does not change these findings.
    others = [judge_maintenance(job.observe(client, spec, MAINTENANCE), expected), _policy(environment, expected)]
    try:
        first = queue.observe(environment)
    except DeploymentError as error:
        # The findings about the job and its runs do not need access to AWS.
        streaming = job.observe(client, spec, STREAMING)
        rest = [finding for finding in judge(streaming, None, None, expected) if finding.check != "queue"]
        return [*rest, Finding("wrong", "queue", str(error), "fix the cause and run the smoke test again"), *others]
    while True:
        queues = queue.observe(environment)
        findings = [*judge(job.observe(client, spec, STREAMING), queues, first, expected), *others]
        wrong = [finding for finding in findings if finding.state == "wrong"]
        now = time.monotonic() - started
        # Waiting does not help with a finding that cannot resolve on its own.
        if not wrong or not all(finding.may_pass for finding in wrong) or now >= patience:
            return findings
        if now - printed >= _PRINT_SECONDS:
            printed = now
            print(f"  … {int(now)} s: {'; '.join(printable(finding.text) for finding in wrong)}", flush=True)
        time.sleep(min(_POLL_SECONDS, max(patience - now, 0.0)))


def _policy(environment: Environment, expected: Expected) -> Finding:
    try:
        return judge_policy(bucket_policy.observe(environment), expected)
    except DeploymentError as error:
        fix = "sign in as a principal with s3:GetBucketPolicy on the bucket, and run the smoke test again"
        return Finding("wrong", "bucket policy", str(error), fix)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.smoke",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--env", required=True, help="name of a file in environments/, or path of a file")
    parser.add_argument(
        "--patience", type=float, default=600, metavar="SECONDS", help="longest time to keep checking (default: 600)"
    )
    parser.add_argument(
        "--most-quarantined-percent",
        type=float,
        default=5,
        metavar="N",
        help="highest percentage of lines in quarantine that counts as healthy (default: 5)",
    )
    parser.add_argument("--summary", type=Path, metavar="FILE", help="Markdown file to append the findings to")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
