"""Turn observations into findings, each with a next step if one is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from infra.smoke.batches import Batches, batches
from infra.smoke.bucket_policy import ObservedPolicy
from infra.smoke.job import ObservedJob, ObservedRun
from infra.smoke.queue import ObservedQueue
from vpc_flow_logs.progress import counted

_DENIED = ("AccessDenied", "Access Denied", "AccessDeniedException", "is not authorized to perform", "403 Forbidden")
_TRACE_LINES = 8


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        state: ``ok``, ``note`` (worth knowing, not a fault) or ``wrong``.
        check: Name of the check.
        text: The result.
        next_step: The next step if something is wrong.
        may_pass: True if the problem may resolve on its own. Check again before reporting it.
    """

    state: Literal["ok", "note", "wrong"]
    check: str
    text: str
    next_step: str = ""
    may_pass: bool = False


@dataclass(frozen=True)
class Expected:
    """The settings of the environment file that the findings depend on.

    Attributes:
        environment: The name or path of the environment file, for the commands in the next steps.
        paused: True if the file pauses both jobs.
        queue_of_stack: True if the stack creates the queue. Otherwise, Auto Loader creates it in the first run.
        most_quarantined: The highest share of quarantined lines, from 0 to 1, that counts as healthy.
        name: Name of the environment.
        bucket: Name of the log bucket.
        existing_bucket: True if the bucket's owner manages its policy. Otherwise, the stack does.
        maintenance: True if the environment has a maintenance job.
    """

    environment: str
    paused: bool = False
    queue_of_stack: bool = False
    most_quarantined: float = 0.05
    name: str = ""
    bucket: str = ""
    existing_bucket: bool = False
    maintenance: bool = True


def judge(
    job: ObservedJob | None,
    queues: Sequence[ObservedQueue] | None,
    before: Sequence[ObservedQueue] | None,
    expected: Expected,
) -> list[Finding]:
    """Return the findings on job, runs and queues. ``before`` holds the queues at the first check."""
    findings = [_job(job, expected)]
    if job is not None:
        findings += _runs(job, expected)
    return [*findings, *_queues(job, queues, before, expected)]


def judge_policy(policy: ObservedPolicy, expected: Expected) -> Finding:
    """Return the finding on the bucket's policy. It names each reviewed statement that is missing or changed."""
    check = "bucket policy"
    if not policy.exists:
        fix = f"make deploy ENV={expected.environment}"
        fix = "create it, or correct log_bucket.name in the environment file" if expected.existing_bucket else fix
        return Finding("wrong", check, f"the bucket {expected.bucket} does not exist", fix)
    differences = [f"{sid} is missing" for sid in policy.missing]
    differences += [f"{sid} is changed ({', '.join(parts)})" for sid, parts in policy.changed]
    if not differences:
        return Finding("ok", check, f"{expected.bucket} has all {counted(len(policy.reviewed), 'reviewed statement')}")
    file = f"review/{expected.name}/log-bucket-policy.json"
    review = f"run make review ENV={expected.environment}, which writes {file}"
    if expected.existing_bucket:
        fix = f"{review}; the bucket's owner adds those statements to the policy and keeps its other statements"
    else:
        fix = (
            f"{review}, then aws s3api put-bucket-policy --bucket {expected.bucket} --policy file://{file}. A "
            "deployment does not restore them, because its template did not change. AWS replaces the whole policy when "
            "a principal with permission to change it creates another flow log for this bucket"
        )
    return Finding("wrong", check, "; ".join(differences), fix)


def _job(job: ObservedJob | None, expected: Expected) -> Finding:
    if job is None:
        return Finding("wrong", "job", "does not exist", f"make deploy ENV={expected.environment}")
    trigger = "continuous" if job.continuous else "scheduled"
    if not job.paused:
        return Finding("ok", "job", f"{trigger}: {job.url}")
    if expected.paused:
        return Finding("note", "job", f"{trigger}, paused by the environment file (job.pause): {job.url}")
    return Finding(
        "wrong",
        "job",
        f"{trigger}, paused by hand, not by the environment file: {job.url}",
        f"find out why, then run .venv/bin/python -m infra.workspace deploy --env {expected.environment} to start it "
        "again, or set job.pause = true in the file to keep it paused",
    )


def _runs(job: ObservedJob, expected: Expected) -> Iterator[Finding]:
    newest = job.runs[0] if job.runs else None
    failed = next((run for run in job.runs if not run.active), None)
    failed = failed if failed and failed.failed else None
    loaded = batches(newest.output) if newest else None
    if failed and not (newest and newest.active and loaded):
        # A newer run may show that the cause is already fixed.
        yield replace(_failure(failed, expected), may_pass=newest is not None and newest.active)
    elif not job.paused:
        yield _run(job, newest)
    if loaded:
        yield Finding("ok", "last batch", loaded.last)
        yield _quarantine(loaded, expected)
    elif newest and newest.running:
        yield Finding("note", "last batch", "this run has none yet; AWS delivers files every 5 to 10 minutes")


def _failure(run: ObservedRun, expected: Expected) -> Finding:
    lines = _lines(run)
    denied = next((line for line in lines if any(sign in line for sign in _DENIED)), None)
    if denied:
        return Finding(
            "wrong",
            "access",
            f"denied: {denied}",
            f"run .venv/bin/python -m infra.workspace verify --env {expected.environment} to see which call is "
            "denied; compare the review with the policies of the bucket and the key, which may have other owners; the "
            f"run's output: {run.url}",
        )
    text = f"the last run failed ({run.state}): {reason(run)}"
    return Finding("wrong", "run", text, f"read its output: {run.url}")


def reason(run: ObservedRun) -> str:
    """Return the reason why a run failed, in one or two lines of its output."""
    return " ".join(_lines(run)[:2]) or "no reason given"


def _lines(run: ObservedRun) -> list[str]:
    """Return the lines that explain a failed run: the job's own message, or else the run's error."""
    _, failed, rest = run.output.partition("The run failed: ")
    text = f"{failed}{rest}" if failed else "\n".join([run.error, *_message(run.trace)])
    return [line.strip()[:400] for line in text.splitlines() if line.strip()]


def _message(trace: str) -> list[str]:
    """Return the exception's message at the end of a traceback.

    A failed task may have no output and only the first line of its error. The traceback ends with the whole message.
    """
    return [line for line in trace.splitlines()[-_TRACE_LINES:] if not line.startswith((" ", "Traceback"))]


def _run(job: ObservedJob, newest: ObservedRun | None) -> Finding:
    if newest is None and job.continuous:
        return Finding("wrong", "run", "no run was started", f"open the job's page: {job.url}", may_pass=True)
    if newest is None:
        return Finding("note", "run", "none yet: waiting for the schedule")
    began = f" since {newest.began:%Y-%m-%d %H:%M} UTC" if newest.began else ""
    if newest.running:
        return Finding("ok", "run", f"running{began}: {newest.url}")
    if newest.active:
        return Finding(
            "wrong", "run", f"waiting for its cluster ({newest.state}{began})", f"see why: {newest.url}", may_pass=True
        )
    if job.continuous:
        text = f"no run is active; the last run is {newest.state}"
        return Finding("wrong", "run", text, f"open the job's page: {job.url}", may_pass=True)
    return Finding("ok", "run", f"the last run is {newest.state}: {newest.url}")


def _quarantine(loaded: Batches, expected: Expected) -> Finding:
    text = f"{loaded.quarantined:,} of {counted(loaded.records + loaded.quarantined, 'line')}, {loaded.share:.2%}"
    if loaded.share <= expected.most_quarantined:
        return Finding("ok", "quarantine", text)
    return Finding(
        "wrong",
        "quarantine",
        f"{text}; expected at most {expected.most_quarantined:.0%}",
        "run SELECT reason, count(*) FROM <table>_quarantine GROUP BY ALL to see the reasons",
    )


def _queues(
    job: ObservedJob | None,
    queues: Sequence[ObservedQueue] | None,
    before: Sequence[ObservedQueue] | None,
    expected: Expected,
) -> Iterator[Finding]:
    if queues is None:
        yield Finding("note", "queue", "none: the job lists the bucket")
    elif not queues and expected.queue_of_stack:
        yield Finding(
            "wrong",
            "queue",
            "the stack's queue does not exist, or you have no permission to read it",
            f"run make deploy ENV={expected.environment}, or sign in to the account in the environment file",
        )
    elif not queues:
        yield Finding("note", "queue", "none yet: the first run creates it")
    for queue in queues or []:
        first = next((earlier.waiting for earlier in before or [] if earlier.name == queue.name), queue.waiting)
        yield _queue(queue, first, job, expected)
        if queue.dead_letters:
            yield Finding(
                "wrong",
                "dead letters",
                f"{counted(queue.dead_letters, 'message')} received many times and never deleted",
                "when the job is running, start a dead-letter queue redrive to the source queue (SQS console)",
            )


def _queue(queue: ObservedQueue, first: int, job: ObservedJob | None, expected: Expected) -> Finding:
    waiting = f"{queue.name}: {counted(queue.waiting, 'message')} waiting"
    if not queue.waiting:
        return Finding("ok", "queue", f"{queue.name}: drained")
    if expected.paused:
        return Finding("note", "queue", f"{waiting} until the job runs; SQS deletes them after 14 days")
    if job and not job.continuous and not job.paused:
        return Finding("note", "queue", f"{waiting} for the next scheduled run")
    if queue.waiting < first:
        return Finding("ok", "queue", f"{waiting}, {first - queue.waiting:,} fewer than at the first check")
    return Finding(
        "wrong",
        "queue",
        f"not drained: {waiting}, not fewer than at the first check",
        "check that a run is active (see above) and that its cluster is large enough for the volume of logs",
        may_pass=True,
    )
