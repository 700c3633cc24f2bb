"""The page behind a run's link: the state of the run and the output of its tasks. It works without a token."""

from __future__ import annotations

from html import escape

from local.workspace.context import Workspace
from local.workspace.exchange import Request, Response
from local.workspace.route import Route
from local.workspace.run_api import find_run
from local.workspace.run_progress import note_output
from local.workspace.run_state import TaskRun
from local.workspace.run_view import run_document

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:1rem;overflow-x:auto}"
)


def _page(workspace: Workspace, request: Request) -> Response:
    text = request.params["run_id"]
    run, only = find_run(workspace, int(text) if text.isdigit() else 0)
    state = run_document(workspace, run, expand=False)["state"]
    shown = " ".join(str(state[key]) for key in ("life_cycle_state", "result_state") if key in state)
    parts = [f"<h1>{escape(run.name)}</h1>", f"<p>Run {run.run_id} of job {run.job_id}: <b>{escape(shown)}</b></p>"]
    if state["state_message"]:
        parts.append(f"<p>{escape(state['state_message'])}</p>")
    for task in run.tasks:
        if only in (None, task):
            note_output(workspace, task)
            parts.append(_task(task))
    head = f"<meta charset='utf-8'><title>Run {run.run_id}</title><style>{_STYLE}</style>"
    page = f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>"
    return Response(content=page.encode(), content_type="text/html; charset=utf-8")


def _task(task: TaskRun) -> str:
    state = f"{task.life_cycle} {task.result or ''}".strip()
    written = escape("\n".join(text for text in (task.log, task.error, task.trace) if text))
    return f"<h2>Task {escape(task.task['task_key'])}: {state}</h2><pre>{written}</pre>"


ROUTES = (Route("GET", "/jobs/{job_id}/runs/{run_id}", _page, open=True),)
