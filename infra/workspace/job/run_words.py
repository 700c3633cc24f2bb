"""Read a run's output: what its task printed, why it failed, and what to do about it.

A failed task reports its reason in up to three places: ``error`` (possibly only the exception's last line),
``error_trace``, and ``logs``, which may be missing. Databricks measured such an answer and put it into the fake
workspace of its CLI: https://github.com/databricks/cli (libs/testserver).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service import jobs
from requests import RequestException

from infra.workspace.errors import DeploymentError
from infra.workspace.job.runs import state_of
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.unity import unity_names

_LINES = 8
"""Number of the last printed lines that count."""

_HIVE_ADVICE = (
    "The Hive metastore is off in this workspace: name a table of Unity Catalog in job.table (catalog.schema.name)"
)
_DBFS_ADVICE = (
    "The DBFS root is off in this workspace: name a folder in a volume (/Volumes/catalog/schema/volume/folder) or "
    "s3://bucket/folder in job.checkpoint_path, and in job.delta_output_path if it is set"
)
_LOCATION_ADVICE = (
    "No external location of Unity Catalog covers job.delta_output_path: remove that key (the table is then a managed "
    "one), or create the location and grant the service principal READ FILES and CREATE EXTERNAL TABLE on it"
)
_DBFS_OFF = ("DBFS_DISABLED", "DBFS root is disabled", "DBFS is disabled")
_HIVE_OFF = (
    "HIVE_METASTORE_DISABLED",
    "legacy access",
    "Hive metastore is disabled",
    "Hive Metastore, which is disabled",
)
_DENIED = ("AccessDenied", "Access Denied", "PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS", "READ FILES", "Forbidden")
_NO_LOCATION = ("NO_PARENT_EXTERNAL_LOCATION_FOR_PATH",)

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# Python's and IPython's frames, and those of Java in the text of an exception.
_FRAME = re.compile(r'Traceback \(most|.*Traceback \(most recent call last\)$|\s*File ["~/<]|-+> ?\d')
_JAVA_FRAME = re.compile(r"\s*(?:at [\w.$]+\(|\.\.\. \d+ more)")
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*)?$")
# The job's own exceptions have the whole message as their text: the class adds nothing.
_OWN = re.compile(r"^(?:vpc_flow_logs\.)?(?:\w+\.)*(?:RunFailed|ParameterError): ")
_SAYS_NOTHING = re.compile(r"SystemExit(?:: -?\d+)?|(?:.*: )?Workload failed, see run output for details\.?")
# How the job's messages begin; they reach to the end of what was printed.
_MESSAGE = re.compile(r"The run failed: |\d+ parameter problems?; nothing was created:")


def failure(client: WorkspaceClient, spec: WorkspaceSpec, run: jobs.Run, *, if_denied: str = "") -> DeploymentError:
    """Return the error for a verify run that failed: its reason, what to do, and its page.

    Args:
        client: of the workspace.
        spec: what was verified.
        run: the run.
        if_denied: the advice where access was denied, if the deployment knows more than the storage reports.
    """
    reason = why(client, run)
    advice = [
        text
        for text, applies in (
            (_HIVE_ADVICE, _any_in(reason, _HIVE_OFF) and not unity_names.in_unity_catalog(spec.table)),
            (_DBFS_ADVICE, _any_in(reason, _DBFS_OFF)),
            (_LOCATION_ADVICE, _any_in(reason, _NO_LOCATION)),
            (if_denied, if_denied and _any_in(reason, _DENIED)),
        )
        if applies
    ]
    return DeploymentError(
        "The verify run failed:",
        words=reason,
        advice=f"{'. '.join(advice) or 'Fix the cause'}; then deploy again. The run: {run.run_page_url}",
    )


def why(client: WorkspaceClient, run: jobs.Run) -> str:
    """Return why a run failed, in the words of its task or, if it has none, of the run."""
    lines = [line for output in _outputs(client, run) for line in reason(output)]
    message = run.state.state_message if run.state else None
    return "\n".join(lines) or message or f"it ended {state_of(run)} and gave no reason"


def printed(client: WorkspaceClient, run: jobs.Run) -> str:
    """Return the last lines that a run printed, each after a line break."""
    lines = [line for output in _outputs(client, run) for line in (output.logs or "").strip().splitlines()]
    return "".join(f"\n{line}" for line in lines[-_LINES:])


def reason(output: jobs.RunOutput) -> list[str]:
    """Return the lines that explain why a task failed, without frames and empty phrases."""
    printed_lines = telling(output.logs or "") or telling(output.error_trace or "")
    raised = [line for line in telling(output.error_trace or "") if not _in(line, printed_lines)] if output.logs else []
    error = [line for line in _clean(output.error or "") if not _in(line, [*printed_lines, *raised])]
    # What was printed comes last: where it has the message, nothing else is left; else it may be noise.
    lines = [*error, *raised, *printed_lines]
    return [line for line in lines if not _SAYS_NOTHING.fullmatch(line)] or lines


def telling(text: str) -> list[str]:
    """Return the lines of an output that matter: the job's message, else the last exception, else the last lines."""
    lines = [line for line in _COLOR.sub("", text).splitlines() if line.strip() and not _JAVA_FRAME.match(line)]
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if frames:
        after = range(frames[-1] + 1, len(lines))
        raised = next((number for number in after if _RAISED.match(lines[number])), None)
        if raised is not None and not _SAYS_NOTHING.fullmatch(lines[raised]):
            return _clean("\n".join(lines[raised:]))
        lines = lines[: frames[0]] or lines
    message = next((number for number in reversed(range(len(lines))) if _MESSAGE.search(lines[number])), None)
    return _clean("\n".join(lines[-_LINES:] if message is None else lines[message:]))


def _clean(text: str) -> list[str]:
    return [_OWN.sub("", line.strip()) for line in text.splitlines() if line.strip()]


def _in(line: str, lines: Sequence[str]) -> bool:
    return any(line in other for other in lines)


def _outputs(client: WorkspaceClient, run: jobs.Run) -> list[jobs.RunOutput]:
    """Return the outputs of the run's tasks. There is none for the run itself."""
    found = []
    for task in run.tasks or []:
        try:
            found.append(client.jobs.get_run_output(task.run_id or 0))
        except (DatabricksError, RequestException, TimeoutError):  # the result counts, with or without its words
            continue
    return found


def _any_in(text: str, parts: Sequence[str]) -> bool:
    return any(part.lower() in text.lower() for part in parts)
