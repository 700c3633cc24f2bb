"""Turn the state of the maintenance job into a finding."""

from __future__ import annotations

from infra.smoke.job import ObservedJob, ObservedRun
from infra.smoke.judgement import Expected, Finding, reason

_WHAT = "maintenance"


def judge_maintenance(job: ObservedJob | None, expected: Expected) -> Finding:
    """Return the finding on the maintenance job and its last run. A job that has not run yet is not a fault."""
    deploy = f".venv/bin/python -m infra.workspace deploy --env {expected.environment}"
    if not expected.maintenance:
        if job is None:
            return Finding("note", _WHAT, "disabled by the environment file (maintenance.enabled)")
        return Finding("wrong", _WHAT, f"exists, but the environment file disables it: {job.url}", f"run {deploy}")
    if job is None:
        return Finding("wrong", _WHAT, "the job does not exist", f"make deploy ENV={expected.environment}")
    if job.paused and expected.paused:
        return Finding("note", _WHAT, f"paused by the environment file (job.pause): {job.url}")
    if job.paused:
        return Finding(
            "wrong",
            _WHAT,
            f"paused by hand, not by the environment file: {job.url}",
            f"find out why, then run {deploy} to start it again, or set maintenance.enabled = false in the file",
        )
    return _of_runs(job)


def _of_runs(job: ObservedJob) -> Finding:
    newest = next(iter(job.runs), None)
    ended = next((run for run in job.runs if not run.active), None)
    if ended is not None and ended.failed:
        return Finding(
            "wrong",
            _WHAT,
            f"the last run that ended failed ({ended.state}): {reason(ended)}",
            f"read its output: {ended.url}. Fix the cause, and then start a run on the job's page ({job.url}) or wait "
            "for the next one; a run resumes where the last one stopped",
        )
    if newest is None:
        return Finding("note", _WHAT, f"no run yet: waiting for the schedule: {job.url}")
    if newest.active:
        return Finding("ok", _WHAT, f"running{_since(newest)}: {newest.url}")
    return Finding("ok", _WHAT, f"the last run is {newest.state}{_since(newest)}: {newest.url}")


def _since(run: ObservedRun) -> str:
    return f", started {run.began:%Y-%m-%d %H:%M} UTC" if run.began else ""
