"""The probe's run in a workspace with simulated clusters: its report, and the cleanup afterward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.probe import deployed, run
from infra.workspace.errors import DeploymentError
from infra.workspace.job.verification import run_name
from infra.workspace.pace import Pace
from infra.workspace.spec import WorkspaceSpec
from local.workspace import Outcome, RecordingRunner, Script
from tests.support.deploying import NEWER_WHEEL, NO_VERIFY, WHEEL, Stage, staged, streaming_job
from vpc_flow_logs.answer import Answer, holds, line

ANSWERS = [holds("Spark writes there", True, "a fact"), Answer("versions", "seen", ("Spark 4.1.0",))]
PRINTED = "\n".join(["noise", *map(line, ANSWERS)])


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def spec(stage: Stage) -> WorkspaceSpec:
    return stage.spec(NO_VERIFY)


def runner(stage: Stage, script: Script) -> RecordingRunner:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.by_entry_point["probe"] = script
    return runner


def probe_answers(stage: Stage, *, later: Callable[[str], None] | None = None, newer: bool = False) -> list[Answer]:
    wheel = NEWER_WHEEL if newer else WHEEL
    pace = Pace(later=later or stage.pace().later)
    return run.answers(stage.client(), spec(stage), wheel_file=wheel, has_disk=True, pace=pace)


def test_the_run_has_the_cluster_parameters_and_wheel_of_the_job_and_one_empty_parameter(stage: Stage) -> None:
    cluster_runner = runner(stage, Script(log=PRINTED))
    stage.deploy(spec(stage))
    assert probe_answers(stage) == ANSWERS
    job, probe = cluster_runner.requests
    assert (job.entry_point, probe.entry_point) == ("ingest", "probe")
    assert probe.instance_profile_arn == job.instance_profile_arn
    assert [library.path for library in probe.libraries] == [library.path for library in job.libraries]
    shared_keys = ("spark_version", "node_type_id", "data_security_mode")
    assert [probe.cluster[key] for key in shared_keys] == [job.cluster[key] for key in shared_keys]
    # A workspace may drop a parameter without a value.
    assert [argument for argument in probe.arguments if argument not in job.arguments] in (["--empty="], [])


@pytest.mark.parametrize("newer", [False, True])
def test_the_run_leaves_the_objects_and_jobs_of_the_workspace_unchanged(stage: Stage, newer: bool) -> None:
    runner(stage, Script(log=PRINTED))
    stage.deploy(spec(stage))
    state = stage.server.state
    before = dict(state.objects), {job_id: dict(job.settings) for job_id, job in state.jobs.items()}
    probe_answers(stage, newer=newer)
    assert (dict(state.objects), {job_id: dict(job.settings) for job_id, job in state.jobs.items()}) == before


def test_without_the_instance_profile_no_cluster_starts_and_nothing_is_written(stage: Stage) -> None:
    assert probe_answers(stage) == [run.NOT_REGISTERED]
    assert stage.writing() == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, DeploymentError])
def test_an_interrupted_wait_cancels_the_run(stage: Stage, stop: type[BaseException]) -> None:
    runner(stage, Script(seconds=None))
    stage.deploy(spec(stage))

    def later(reason: str) -> None:
        assert reason.startswith("waiting for the probe's run (")
        raise stop("no more patience")

    with pytest.raises(stop):
        probe_answers(stage, later=later, newer=True)
    (probe_run,) = [each for each in stage.server.state.runs.values() if each.name == run.run_name(spec(stage))]
    assert probe_run.cancelling or probe_run.ended
    assert not [path for path in stage.server.state.objects if NEWER_WHEEL.label in path]


def test_a_failed_run_adds_an_answer_with_its_error_to_the_answers_before_it(stage: Stage) -> None:
    failure = Outcome("FAILED", "RuntimeError: no cluster for you", "Traceback: here")
    runner(stage, Script(outcome=failure, log=line(ANSWERS[0])))
    stage.deploy(spec(stage))
    *kept, last = probe_answers(stage)
    assert kept == ANSWERS[:1]
    assert last.state == "does not hold"
    assert "RuntimeError: no cluster for you" in "\n".join(last.facts)
    assert "Traceback: here" in last.facts


def test_an_unreadable_run_output_is_an_answer(stage: Stage) -> None:
    runner(stage, Script(log=""))
    stage.deploy(spec(stage))
    (answer,) = probe_answers(stage)
    assert (answer.question, answer.state) == (run.ENDS_WELL, "does not hold")


def deployed_answers(stage: Stage) -> dict[str, Answer]:
    answers = deployed.answers(stage.client(), spec(stage), has_disk=True)
    return {answer.question: answer for answer in answers}


def test_the_job_is_compared_with_the_sent_settings_whichever_wheel_it_has(stage: Stage) -> None:
    stage.deploy(spec(stage), wheel=NEWER_WHEEL)
    answers = deployed_answers(stage)
    assert answers["the workspace returns the job's settings as sent"].state == "holds"
    assert "tasks[0].run_if = ALL_SUCCESS" in answers["defaults that the workspace adds"].facts


def test_a_manual_edit_is_reported(stage: Stage) -> None:
    stage.deploy(spec(stage))
    streaming_job(stage.server.state).settings["max_concurrent_runs"] = 3
    answer = deployed_answers(stage)["the workspace returns the job's settings as sent"]
    assert answer.facts == ("max_concurrent_runs = 3, sent 1",)


def test_the_output_of_the_last_failed_run_is_reported_with_its_place(stage: Stage) -> None:
    cluster_runner = runner(stage, Script())
    cluster_runner.by_entry_point["verify"] = Script(
        outcome=Outcome("FAILED", "ParameterError: 2", "trace"), log="why\nbecause"
    )
    with pytest.raises(DeploymentError):
        stage.deploy(stage.spec())
    answer = deployed_answers(stage)["a failed run keeps its output"]
    assert answer.state == "holds"
    assert {"lines of error, 1 in total, the last of them:", "  ParameterError: 2", "  because"} <= set(answer.facts)
    assert run_name(spec(stage)).endswith(" verify")


def test_the_queue_url_is_the_one_that_the_deployed_job_reads(stage: Stage) -> None:
    assert deployed.queue_url(stage.client(), spec(stage)) is None
    url, settings = "https://sqs.us-east-1.amazonaws.com/111122223333/vpc-flow-logs-test", spec(stage)
    stage.deploy(replace(settings, job=replace(settings.job, parameters={**settings.job.parameters, "queue-url": url})))
    assert deployed.queue_url(stage.client(), spec(stage)) == url
