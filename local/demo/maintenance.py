"""The demo's run of the maintenance job."""

from __future__ import annotations

import re
import time

from infra.environment import names
from infra.workspace.job.job_kind import MAINTENANCE
from infra.workspace.job.runs import ended
from local.demo.context import Act, DemoError
from local.demo.deployed import run_state
from local.demo.text import shown

_EVERY = 0.5
_LINES = re.compile(r"(?:maintaining|roll-up|expiry|purge|compact|vacuum|done)\b")
"""The first word of each line of `maintain`; the output also has Spark's own lines."""


def job_name(act: Act) -> str:
    """Return the name of the maintenance job in the workspace."""
    return f"{names.stack_name(act.environment)}{MAINTENANCE.suffix}"


def maintain(act: Act) -> None:
    """Run the maintenance job once, and show the lines that it prints.

    Raises:
        DemoError: there is no maintenance job, or its run failed.
    """
    job = next(iter(act.workspace.jobs.list(name=job_name(act))), None)
    if job is None or job.job_id is None:
        raise DemoError(f"there is no job named {job_name(act)} in the workspace")
    run_id = int(act.workspace.jobs.run_now(job.job_id).run_id)
    while not ended(run := act.workspace.jobs.get_run(run_id)):
        act.live.now(run_state(run))
        time.sleep(_EVERY)
    if run.state is None or run.state.result_state is None or run.state.result_state.value != "SUCCESS":
        folder = shown(act.stage.runner.folder / "runs")
        raise DemoError(f"the maintenance job failed ({run_state(run)}). Its output is in {folder}")
    (task,) = run.tasks or []
    for line in (act.workspace.jobs.get_run_output(task.run_id or 0).logs or "").splitlines():
        if _LINES.match(line):
            act.live.say(f"     {line}")
