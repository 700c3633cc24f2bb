"""Read a run's output: the printed lines, the reason for a failure, and the advice for it.

A failed task reports its reason in up to three places: ``error`` (possibly only the exception's last line),
``error_trace``, and ``logs``, which may be missing. The fake workspace of the Databricks CLI contains a recorded
response of this kind: https://github.com/databricks/cli (libs/testserver).
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
"""Number of printed lines to show, counted from the end."""

_HIVE_ADVICE = (
    "The Hive metastore is disabled in this workspace: set job.table to a Unity Catalog table (catalog.schema.name)"
)
_DBFS_ADVICE = (
    "The DBFS root is disabled in this workspace: set job.checkpoint_path, and job.delta_output_path if it is used, to "
    "a folder in a volume (/Volumes/catalog/schema/volume/folder) or to s3://bucket/folder"
)
_LOCATION_ADVICE = (
    "No Unity Catalog external location covers job.delta_output_path: remove that key for a managed table, or "
    "create the location and grant the service principal READ FILES and CREATE EXTERNAL TABLE on it"
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
# Frames of Python and IPython, and Java frames in the text of an exception.
_FRAME = re.compile(r'Traceback \(most|.*Traceback \(most recent call last\)$|\s*File ["~/<]|-+> ?\d')
_JAVA_FRAME = re.compile(r"\s*(?:at [\w.$]+\(|\.\.\. \d+ more)")
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*)?$")
# The text of the job's own exceptions is the complete message; the class name adds nothing.
_OWN = re.compile(r"^(?:vpc_flow_logs\.)?(?:\w+\.)*(?:RunFailed|ParameterError): ")
_UNINFORMATIVE = re.compile(r"SystemExit(?:: -?\d+)?|(?:.*: )?Workload failed, see run output for details\.?")
# First words of the job's messages, which extend to the end of the output.
_MESSAGE = re.compile(r"The run failed: |\d+ parameter problems?; nothing was created:")


def failure(client: WorkspaceClient, spec: WorkspaceSpec, run: jobs.Run, *, if_denied: str = "") -> DeploymentError:
    """Return the error for a failed verify run, with its reason, advice, and the URL of its page.

    Args:
        client: client for the workspace.
        spec: the verified settings.
        run: the failed run.
        if_denied: advice for denied access, if the deployment knows a cause that the storage does not report.
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
        detail=reason,
        advice=f"{'. '.join(advice) or 'Fix the cause'}; then deploy again. The run: {run.run_page_url}",
    )


def why(client: WorkspaceClient, run: jobs.Run) -> str:
    """Return the reason for a failure as the task reports it or, if it reports none, as the run does."""
    lines = [line for output in _outputs(client, run) for line in reason(output)]
    message = run.state.state_message if run.state else None
    return "\n".join(lines) or message or f"the run ended in state {state_of(run)} without a reason"


def printed(client: WorkspaceClient, run: jobs.Run) -> str:
    """Return the last lines that a run printed, each after a line break."""
    lines = [line for output in _outputs(client, run) for line in (output.logs or "").strip().splitlines()]
    return "".join(f"\n{line}" for line in lines[-_LINES:])


def reason(output: jobs.RunOutput) -> list[str]:
    """Return the lines that explain why a task failed, without frames and uninformative lines."""
    printed_lines = relevant_lines(output.logs or "") or relevant_lines(output.error_trace or "")
    raised = (
        [line for line in relevant_lines(output.error_trace or "") if not _in(line, printed_lines)]
        if output.logs
        else []
    )
    error = [line for line in _clean(output.error or "") if not _in(line, [*printed_lines, *raised])]
    # The printed lines come last: either they contain the message and the other lists are empty, or they may be noise.
    lines = [*error, *raised, *printed_lines]
    return [line for line in lines if not _UNINFORMATIVE.fullmatch(line)] or lines


def relevant_lines(text: str) -> list[str]:
    """Return the relevant lines of an output: the last exception, else the job's message, else the last lines."""
    lines = [line for line in _COLOR.sub("", text).splitlines() if line.strip() and not _JAVA_FRAME.match(line)]
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if frames:
        after = range(frames[-1] + 1, len(lines))
        raised = next((number for number in after if _RAISED.match(lines[number])), None)
        if raised is not None and not _UNINFORMATIVE.fullmatch(lines[raised]):
            return _clean("\n".join(lines[raised:]))
        lines = lines[: frames[0]] or lines
    message = next((number for number in reversed(range(len(lines))) if _MESSAGE.search(lines[number])), None)
    return _clean("\n".join(lines[-_LINES:] if message is None else lines[message:]))


def _clean(text: str) -> list[str]:
    return [_OWN.sub("", line.strip()) for line in text.splitlines() if line.strip()]


def _in(line: str, lines: Sequence[str]) -> bool:
    return any(line in other for other in lines)


def _outputs(client: WorkspaceClient, run: jobs.Run) -> list[jobs.RunOutput]:
    """Return the outputs of the run's tasks; the run itself has no output."""
    outputs = []
    for task in run.tasks or []:
        try:
            outputs.append(client.jobs.get_run_output(task.run_id or 0))
        except (DatabricksError, RequestException, TimeoutError):  # the run's result counts even without its output
            continue
    return outputs


def _any_in(text: str, parts: Sequence[str]) -> bool:
    return any(part.lower() in text.lower() for part in parts)
