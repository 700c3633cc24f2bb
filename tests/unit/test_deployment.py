"""Deployments to a workspace, through the real SDK over HTTP: new objects, unchanged objects, and changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.workspace.errors import DeploymentError
from infra.workspace.job import job_settings
from infra.workspace.memory import Memory
from local.workspace import Fault, Outcome, RecordingRunner, Script, add_group
from local.workspace.state import Job, Permission
from tests.support.deploying import (
    EVERYONE,
    GROUP,
    MAIL,
    NEWER_WHEEL,
    NO_MAINTENANCE,
    NO_VERIFY,
    OFF,
    OTHER_ROLE,
    PAUSED,
    READER,
    READERS,
    SCHEDULED,
    Stage,
    snapshot,
    staged,
    streaming_job,
)
from tests.support.workspaces import until

PROFILE = "arn:aws:iam::111122223333:instance-profile/flow-log-reader"
FOLDER = "/vpc-flow-logs/test"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _job(stage: Stage) -> Job:
    return streaming_job(stage.server.state)


def _outcomes(stage: Stage) -> dict[str, str]:
    return {step.name: step.outcome for step in stage.steps}


def _runner(stage: Stage) -> RecordingRunner:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    return runner


# New objects


def test_a_first_deploy_creates_everything_and_reports_each_step(stage: Stage) -> None:
    deployed = stage.deploy(stage.spec(EVERYONE, READERS))
    assert [(step.name, step.outcome) for step in deployed.steps] == [
        ("instance profile", "created"),
        ("grant to group network-engineers", "created"),
        ("grant to user jane@example.com", "created"),
        (f"grant to service principal {READER}", "created"),
        ("wheel", "created"),
        ("schema network.flow_logs", "created"),
        ("volume network.flow_logs.checkpoints", "created"),
        ("verification", "created"),
        ("job", "created"),
        ("permissions", "updated"),
        ("maintenance job", "created"),
        ("permissions of the maintenance job", "updated"),
    ]
    assert list(deployed.steps) == stage.steps
    assert deployed.job_id == _job(stage).job_id
    assert deployed.job_url == f"{stage.server.host}/jobs/{deployed.job_id}"
    assert deployed.table == "network.flow_logs.test"


def test_a_second_deploy_of_the_same_settings_writes_nothing_and_starts_no_run(stage: Stage) -> None:
    spec = stage.spec(EVERYONE, READERS, MAIL)
    stage.deploy(spec)
    runs = len(stage.server.state.runs)
    stage.server.clear_log()
    deployed = stage.deploy(spec)
    assert {step.outcome for step in deployed.steps} == {"unchanged"}
    assert stage.writing() == []
    assert len(stage.server.state.runs) == runs


def test_the_job_runs_the_wheel_with_the_settings_of_the_file_on_its_own_dedicated_cluster(stage: Stage) -> None:
    stage.deploy(stage.spec(GROUP))
    settings = _job(stage).settings
    (task,), (shared,) = settings["tasks"], settings["job_clusters"]
    assert task["python_wheel_task"]["package_name"] == "vpc_flow_logs"
    assert task["python_wheel_task"]["entry_point"] == "ingest"
    assert task["python_wheel_task"]["named_parameters"]["table-name"] == "network.flow_logs.test"
    assert task["libraries"] == [{"whl": f"/Workspace{FOLDER}/0.1.0-aaaaaaaaaaaa/vpc_flow_logs-0.1.0-py3-none-any.whl"}]
    cluster = shared["new_cluster"]
    assert cluster["aws_attributes"] == {"instance_profile_arn": PROFILE, "first_on_demand": 1}
    assert (cluster["spark_version"], cluster["data_security_mode"]) == ("18.x-scala2.13", "SINGLE_USER")
    assert (cluster["is_single_node"], cluster["kind"]) == (True, "CLASSIC_PREVIEW")
    assert "autoscale" not in cluster
    assert (cluster["runtime_engine"], cluster["driver_node_type_id"]) == ("STANDARD", "m6gd.large")
    # Databricks copies the job's tags to the cluster.
    assert "vpc-flow-logs-environment" not in cluster["custom_tags"]
    assert settings["max_concurrent_runs"] == 1
    assert settings["continuous"]["pause_status"] == "UNPAUSED"
    assert settings["tags"]["vpc-flow-logs-environment"] == "test"
    assert [run.name for run in stage.server.state.runs.values() if not run.ended] == ["vpc-flow-logs-test"]


def test_the_cluster_has_the_number_of_workers_in_the_file(stage: Stage) -> None:
    stage.deploy(stage.spec(("workers = 0", "workers = 3")))
    cluster = _job(stage).settings["job_clusters"][0]["new_cluster"]
    assert (cluster["num_workers"], cluster["runtime_engine"]) == (3, "STANDARD")
    assert "is_single_node" not in cluster


def test_a_node_type_without_local_disks_gets_an_ebs_volume(stage: Stage) -> None:
    stage.server.state.node_types["m6gd.large"]["node_instance_type"] = {"instance_type_id": "m6gd.large"}
    stage.deploy(stage.spec())
    attributes = _job(stage).settings["job_clusters"][0]["new_cluster"]["aws_attributes"]
    assert (attributes["ebs_volume_count"], attributes["ebs_volume_size"]) == (1, 100)


def test_a_schedule_becomes_a_cron_expression_in_utc(stage: Stage) -> None:
    stage.deploy(stage.spec(SCHEDULED))
    settings = _job(stage).settings
    assert settings["schedule"] == {
        "quartz_cron_expression": "0 0/15 * * * ?",
        "timezone_id": "UTC",
        "pause_status": "UNPAUSED",
    }
    assert "continuous" not in settings


def test_a_paused_job_is_created_but_not_started(stage: Stage) -> None:
    stage.deploy(stage.spec(PAUSED))
    assert _job(stage).settings["continuous"]["pause_status"] == "PAUSED"
    assert [run.run_type for run in stage.server.state.runs.values()] == ["SUBMIT_RUN"]


def test_a_job_runs_only_once_even_if_the_response_to_its_creation_is_lost(stage: Stage) -> None:
    stage.server.faults.on("POST", "/api/2.2/jobs/create", Fault.CUT_AFTER)
    stage.deploy(stage.spec(NO_MAINTENANCE))
    assert stage.writing().count("POST /api/2.2/jobs/create") == 2
    job = _job(stage)
    assert {run.job_id for run in stage.server.state.runs.values() if run.run_type == "JOB_RUN"} == {job.job_id}


# Instance profile and grants


def test_a_profile_with_the_name_of_its_role_is_registered_by_its_arn_alone(
    stage: Stage,
) -> None:
    stage.deploy(stage.spec())
    (added,) = [request for request in stage.server.requests if request.path.endswith("instance-profiles/add")]
    assert added.body == {"instance_profile_arn": PROFILE}


def test_the_registration_of_a_profile_that_iam_does_not_show_yet_is_retried(stage: Stage) -> None:
    stage.server.behavior.profile_refusals = 4
    stage.deploy(stage.spec())
    assert PROFILE in stage.server.state.instance_profiles
    assert stage.writing().count("POST /api/2.0/instance-profiles/add") == 5


def test_the_registration_of_a_rejected_profile_fails_after_three_minutes_with_the_last_reason(stage: Stage) -> None:
    stage.server.behavior.object_to_profile = lambda _: "UnauthorizedOperation: iam:PassRole is missing"
    with pytest.raises(DeploymentError, match=r"180 seconds.*iam:PassRole is missing.*skip_validation = true"):
        stage.deploy(stage.spec())


def test_the_validation_of_the_profile_is_skipped_if_the_file_sets_skip_validation(stage: Stage) -> None:
    stage.server.behavior.object_to_profile = lambda _: "a tag policy"
    stage.deploy(stage.spec(("[workspace.cluster]", "skip_validation = true\n\n[workspace.cluster]")))
    assert PROFILE in stage.server.state.instance_profiles


def test_a_principal_removed_from_the_file_loses_the_grant_that_the_deployment_made(stage: Stage) -> None:
    stage.deploy(stage.spec(EVERYONE))
    stage.deploy(stage.spec(GROUP))
    assert snapshot(stage.server.state)["roles"] == {"network-engineers": [PROFILE]}
    assert _outcomes(stage)["grant to user jane@example.com"] == "removed"


def test_a_grant_made_by_others_stays_even_if_its_principal_was_in_the_file(stage: Stage) -> None:
    stage.server.state.principal("jane@example.com").roles.append(PROFILE)
    stage.server.state.principal("auditors").roles.append(PROFILE)
    stage.deploy(stage.spec(EVERYONE))
    stage.deploy(stage.spec(GROUP))
    stage.destroy(stage.spec(GROUP))
    assert snapshot(stage.server.state)["roles"] == {"auditors": [PROFILE], "jane@example.com": [PROFILE]}


def test_a_grant_that_the_workspace_accepts_but_does_not_apply_is_an_error(stage: Stage) -> None:
    add_group(stage.server.state, "account-group", account_level=True)
    spec = stage.spec(("[workspace.cluster]", 'groups = ["account-group"]\n\n[workspace.cluster]'))
    with pytest.raises(
        DeploymentError, match=r"did not apply it.*account-level groups.*by name, or leave the list empty"
    ):
        stage.deploy(spec)


def test_a_group_with_quotes_in_its_name_is_found(stage: Stage) -> None:
    add_group(stage.server.state, 'the "best"')
    stage.deploy(stage.spec(("[workspace.cluster]", "groups = ['the \"best\"']\n\n[workspace.cluster]")))
    assert stage.server.state.principal('the "best"').roles == [PROFILE]


# Each setting changes only its own object


def test_a_new_email_address_changes_both_jobs_and_ends_no_run(stage: Stage) -> None:
    assert _change(stage, [], [MAIL]) == ["POST /api/2.2/jobs/reset"] * 2
    assert stage.waited == []


def test_new_viewers_and_managers_change_only_the_permissions(stage: Stage) -> None:
    written = _change(stage, [], [READERS])
    assert written == [f"PUT /api/2.0/permissions/jobs/{job_id}" for job_id in stage.server.state.jobs]
    owner = Permission("service_principal_name", stage.deployer.client_id, "IS_OWNER")
    assert owner in _job(stage).permissions


def test_a_new_group_changes_only_its_grant(stage: Stage) -> None:
    written = _change(stage, [], [GROUP])
    assert [text.rsplit("/", 1)[0] for text in written] == [
        "POST /api/2.0/workspace",  # the deployment's memory
        "PATCH /api/2.0/preview/scim/v2/Groups",
    ]


def test_a_new_schedule_changes_only_the_job(stage: Stage) -> None:
    later = ('trigger = "continuous"', 'trigger = "scheduled"\nschedule = "0 30 * * * ?"')
    written = _change(stage, [SCHEDULED, NO_VERIFY], [later, NO_VERIFY])
    assert set(written) == {"POST /api/2.2/jobs/reset"}


def test_turning_off_the_verification_changes_nothing(stage: Stage) -> None:
    assert _change(stage, [], [NO_VERIFY]) == []


def _change(stage: Stage, before: list[tuple[str, str]], after: list[tuple[str, str]]) -> list[str]:
    stage.deploy(stage.spec(*before))
    stage.server.clear_log()
    stage.waited.clear()
    stage.deploy(stage.spec(*after))
    return stage.writing()


def test_a_new_wheel_is_verified_and_the_old_one_is_deleted_after_the_job_uses_the_new_one(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    stage.server.clear_log()
    stage.deploy(spec, wheel=NEWER_WHEEL)
    written = stage.writing()
    assert written.index("POST /api/2.2/jobs/runs/submit") < written.index("POST /api/2.2/jobs/reset")
    assert written[-1] == "POST /api/2.0/workspace/delete"
    wheels = [path for path in stage.server.state.objects if path.endswith(".whl")]
    assert wheels == [f"{FOLDER}/0.2.0-bbbbbbbbbbbb/vpc_flow_logs-0.1.0-py3-none-any.whl"]


def test_a_run_of_the_old_definition_ends_before_a_run_of_the_new_one_starts(stage: Stage) -> None:
    _runner(stage).by_entry_point["ingest"] = Script(seconds=None, cancel_seconds=0.1)
    spec = stage.spec(NO_MAINTENANCE)
    stage.deploy(spec)
    stage.server.clear_log()
    stage.deploy(spec, wheel=NEWER_WHEEL)
    order = ["POST /api/2.2/jobs/reset", "POST /api/2.2/jobs/runs/cancel-all", "POST /api/2.2/jobs/reset"]
    assert [text for text in stage.writing() if text in order] == order
    assert any("waiting for the job's run to end" in text for text in stage.waited)
    runs = [run for run in stage.server.state.runs.values() if run.run_type == "JOB_RUN"]
    assert [run.ended for run in runs] == [True, False]
    assert "0.2.0-bbbbbbbbbbbb" in str(runs[1].tasks[0].task)


def test_pausing_ends_the_run(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.deploy(stage.spec(PAUSED))
    assert all(run.ended for run in stage.server.state.runs.values())


# Manual edits


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (lambda settings: settings["tasks"][0]["python_wheel_task"]["named_parameters"].update(extra="1"), "extra"),
        (lambda settings: settings["job_clusters"][0]["new_cluster"].update(num_workers=4), "num_workers"),
        (lambda settings: settings["job_clusters"][0]["new_cluster"].update(autoscale={"max_workers": 4}), "autoscale"),
        (
            lambda settings: settings["job_clusters"][0]["new_cluster"].update(
                init_scripts=[{"workspace": {"destination": "/x"}}]
            ),
            "init_scripts",
        ),
        (lambda settings: settings["job_clusters"][0]["new_cluster"].update(runtime_engine="PHOTON"), "runtime_engine"),
        (lambda settings: settings["job_clusters"][0]["new_cluster"].update(driver_node_type_id="m5d.large"), "driver"),
        (
            lambda settings: settings["job_clusters"][0]["new_cluster"].update(
                cluster_log_conf={"s3": {"destination": "s3://elsewhere", "region": "us-east-1"}}
            ),
            "cluster_log_conf",
        ),
        (lambda settings: settings["continuous"].update(task_retry_mode="ON_FAILURE"), "task_retry_mode"),
        (lambda settings: settings["tasks"][0].update(max_retries=3), "max_retries"),
        (
            lambda settings: settings["job_clusters"][0]["new_cluster"]["spark_conf"].update({"spark.plugins": "x"}),
            "spark_conf",
        ),
        (lambda settings: settings["tasks"].append({"task_key": "manual"}), "tasks"),
        (lambda settings: settings["tasks"][0]["libraries"].append({"whl": "/x.whl"}), "libraries"),
        (lambda settings: settings.update(name="renamed"), "name"),
        (lambda settings: settings.update(timeout_seconds=60), "timeout_seconds"),
        (lambda settings: settings["continuous"].update(pause_status="PAUSED"), "continuous.pause_status"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_manual_edit_is_reported_and_reverted(stage: Stage, edit: Any, place: str) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    with stage.server.lock:
        before = str(_job(stage).settings)
        edit(_job(stage).settings)
        assert str(_job(stage).settings) != before
    deployed = stage.deploy(spec)
    (step,) = [step for step in deployed.steps if step.name == "job"]
    assert step.outcome == "updated"
    assert place in step.detail
    assert str(_job(stage).settings) == before


def test_defaults_that_the_workspace_adds_are_not_a_difference(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    with stage.server.lock:
        settings = _job(stage).settings
        settings["some_new_default"] = {"a": 1}
        settings["tasks"][0]["some_new_default"] = "x"
        cluster = settings["job_clusters"][0]["new_cluster"]
        cluster |= {"data_security_mode": "DATA_SECURITY_MODE_DEDICATED", "driver_node_type_id": "m6gd.large"}
        cluster |= {"enable_elastic_disk": True, "runtime_engine": "STANDARD"}
        cluster["aws_attributes"] |= {"zone_id": "auto", "availability": "SPOT_WITH_FALLBACK"}
        del cluster["num_workers"]
        stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


def test_a_permission_granted_by_hand_is_revoked_and_the_owner_stays(stage: Stage) -> None:
    spec = stage.spec(READERS)
    stage.deploy(spec)
    before = list(_job(stage).permissions)
    _job(stage).permissions.append(Permission("user_name", "jane@example.com", "CAN_MANAGE"))
    stage.deploy(spec)
    assert sorted(map(str, _job(stage).permissions)) == sorted(map(str, before))


def test_a_renamed_job_is_found_by_its_tag(stage: Stage) -> None:
    spec = stage.spec()
    first = stage.deploy(spec)
    _job(stage).settings["name"] = "Something else"
    assert stage.deploy(spec).job_id == first.job_id
    assert _job(stage).settings["name"] == "vpc-flow-logs-test"


@pytest.mark.parametrize("name", ["Copy of it", "vpc-flow-logs-test"], ids=["another name", "same name"])
def test_a_copy_of_the_job_made_by_somebody_else_stays(stage: Stage, name: str) -> None:
    spec = stage.spec()
    first = stage.deploy(spec)
    client = stage.client()
    settings = client.jobs.get(first.job_id).settings
    assert settings is not None
    copy = {**vars(settings), "name": name, "format": None}
    client.jobs.create(**{name: value for name, value in copy.items() if value})
    assert stage.deploy(spec).job_id == first.job_id
    stage.destroy(spec)
    assert [job.settings["name"] for job in stage.server.state.jobs.values()] == [name]


def test_an_existing_schema_is_not_changed(stage: Stage) -> None:
    stage.client().schemas.create(name="flow_logs", catalog_name="network", comment="by hand")
    stage.deploy(stage.spec())
    assert stage.server.state.schemas["network.flow_logs"].comment == "by hand"
    stage.destroy(stage.spec())
    assert list(stage.server.state.schemas) == ["network.flow_logs"]
    assert list(stage.server.state.volumes) == ["network.flow_logs.checkpoints"]


def test_a_table_in_the_hive_metastore_creates_nothing_in_unity_catalog(stage: Stage) -> None:
    spec = stage.spec(
        ("network.flow_logs.test", "flow_logs"),
        ("/Volumes/network/flow_logs/checkpoints/test", "/FlowLogs/checkpoint"),
    )
    stage.deploy(spec)
    assert not any("unity-catalog" in text for text in stage.writing())


# Verification


def test_verify_runs_the_wheel_on_a_cluster_like_the_jobs_before_the_job_runs(stage: Stage) -> None:
    stage.deploy(stage.spec())
    first, second = _runner(stage).requests[:2]
    assert (first.entry_point, second.entry_point) == ("verify", "ingest")
    assert first.cluster["custom_tags"].pop("vpc-flow-logs-environment") == "test"
    assert first.cluster == second.cluster
    assert first.arguments == second.arguments
    assert [library.path for library in first.libraries] == [library.path for library in second.libraries]


def test_a_failed_verify_run_fails_the_deployment_with_its_error_and_url_and_creates_no_job(stage: Stage) -> None:
    message = "The run failed: VPC Logs Path 's3://b/AWSLogs' cannot be used: AccessDenied"
    _runner(stage).next.append(Script(Outcome("FAILED", "SystemExit: 1"), log=f"looking\n{message}\n"))
    with pytest.raises(DeploymentError) as failure:
        stage.deploy(stage.spec())
    text = str(failure.value)
    assert message in text
    assert f"{stage.server.host}/jobs/" in text
    assert "\n" not in text
    assert len(text) <= 900
    assert stage.server.state.jobs == {}


def test_the_deploy_after_a_failed_verify_run_starts_a_new_one(stage: Stage) -> None:
    _runner(stage).next.append(Script(Outcome("FAILED", "AccessDenied")))
    spec = stage.spec()
    with pytest.raises(DeploymentError):
        stage.deploy(spec)
    stage.deploy(spec)
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "verify", "ingest"]


def test_a_verify_run_that_somebody_deleted_is_replaced_by_a_new_one(stage: Stage) -> None:
    """The workspace answers every request that repeats the token of a deleted run with an error."""
    _runner(stage).next.append(Script(seconds=None))
    stage.patience = 5
    with pytest.raises(AssertionError, match="waited too long"):
        stage.deploy(stage.spec())
    stage.patience = 2000
    (run,) = stage.server.state.runs
    stage.client().jobs.cancel_run(run)
    until(lambda: stage.server.state.runs[run].ended)
    del stage.server.state.runs[run]
    stage.deploy(stage.spec())
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "verify", "ingest"]


def test_a_long_reason_leaves_room_for_the_next_step_and_the_url(stage: Stage) -> None:
    _runner(stage).next.append(Script(Outcome("FAILED", "x" * 5000)))
    with pytest.raises(DeploymentError, match=r"^The verify run failed: x+.*deploy again\. The run: http") as failure:
        stage.deploy(stage.spec())
    assert len(str(failure.value)) <= 900


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("[NO_PARENT_EXTERNAL_LOCATION_FOR_PATH] No parent external location", r"READ FILES and CREATE EXTERNAL TABLE"),
        ("[DBFS_DISABLED] Public DBFS root is disabled. Access is denied on path: /FlowLogs", r"/Volumes/catalog/"),
    ],
    ids=["location", "dbfs"],
)
def test_a_path_that_the_workspace_does_not_allow_fails_verify_with_advice(
    stage: Stage, error: str, advice: str
) -> None:
    _runner(stage).next.append(Script(Outcome("FAILED", error)))
    with pytest.raises(DeploymentError, match=advice):
        stage.deploy(stage.spec())


HIVE_OFF = "[UC_HIVE_METASTORE_DISABLED_EXCEPTION] Hive Metastore is disabled"


@pytest.mark.parametrize("table", ["flow_logs", "security.flow_logs", "hive_metastore.security.flow_logs"])
def test_a_disabled_hive_metastore_is_reported_with_the_advice_to_name_a_unity_catalog_table(
    stage: Stage, table: str
) -> None:
    _runner(stage).next.append(Script(Outcome("FAILED", HIVE_OFF)))
    with pytest.raises(DeploymentError, match=r"job\.table to a Unity Catalog table \(catalog\.schema\.name\)"):
        stage.deploy(stage.spec(("network.flow_logs.test", table)))


def test_a_disabled_hive_metastore_is_reported_without_that_advice_if_the_table_is_in_unity_catalog(
    stage: Stage,
) -> None:
    _runner(stage).next.append(Script(Outcome("FAILED", HIVE_OFF)))
    with pytest.raises(DeploymentError, match=r"UC_HIVE_METASTORE_DISABLED") as failure:
        stage.deploy(stage.spec())
    assert "to a Unity Catalog table" not in str(failure.value)


def test_without_verify_only_the_job_runs(stage: Stage) -> None:
    stage.deploy(stage.spec(NO_VERIFY))
    assert [request.entry_point for request in _runner(stage).requests] == ["ingest"]


def test_other_paths_are_verified_again_but_other_headers_or_another_trigger_are_not(stage: Stage) -> None:
    verification = "POST /api/2.2/jobs/runs/submit"
    headers = ('trigger = "continuous"', 'trigger = "continuous"\nheaders = ["version", "srcaddr"]')
    written = _change(stage, [], [headers])
    assert "POST /api/2.2/jobs/reset" in written
    assert verification not in written
    assert verification not in _change(stage, [headers], [SCHEDULED])
    moved = ('checkpoint_path = "', 'checkpoint_path = "/Volumes/network/flow_logs/moved/x" # "')
    assert verification in _change(stage, [SCHEDULED], [SCHEDULED, moved])


def test_the_newest_settings_that_passed_verify_are_remembered(stage: Stage) -> None:
    """A deployment's memory is limited in size, and a deploy of unchanged settings starts no cluster."""
    specs = [
        stage.spec(('checkpoint_path = "', f'checkpoint_path = "/Volumes/network/flow_logs/moved/{number}" # "'))
        for number in range(12)
    ]
    for spec in specs:
        stage.deploy(spec)
    stage.server.clear_log()
    stage.deploy(specs[-1])
    assert stage.writing() == []
    stage.deploy(specs[-2])
    assert "POST /api/2.2/jobs/runs/submit" not in stage.writing()
    stage.deploy(specs[0])
    assert "POST /api/2.2/jobs/runs/submit" in stage.writing()


def test_the_verify_command_runs_again_after_the_same_settings_passed(stage: Stage) -> None:
    spec = stage.spec()
    stage.deploy(spec)
    _runner(stage).next.append(Script(log="readable: 12 files, 3 MB\n"))
    steps = stage.verify(spec)
    assert steps[-1].outcome == "created"
    assert "readable: 12 files" in steps[-1].detail
    assert [request.entry_point for request in _runner(stage).requests] == ["verify", "ingest", "verify"]
    stage.server.clear_log()
    stage.deploy(spec)
    assert stage.writing() == []


def test_the_verify_command_before_the_first_deploy_advises_to_deploy(stage: Stage) -> None:
    with pytest.raises(
        DeploymentError, match=r"Deploy first: \.venv/bin/python -m infra\.workspace deploy --env test$"
    ):
        stage.verify(stage.spec())


# Destroy


def test_destroy_removes_everything_but_the_schema_and_volume_and_a_second_one_does_nothing(stage: Stage) -> None:
    before = snapshot(stage.server.state)
    spec = stage.spec(EVERYONE, READERS)
    stage.deploy(spec)
    stage.destroy(spec)
    after = snapshot(stage.server.state)
    assert {**after, "schemas": [], "volumes": []} == before
    assert stage.destroy(spec) == ()
    assert stage.bucket.reads == 2


def test_destroy_keeps_the_files_of_other_environments(stage: Stage) -> None:
    stage.deploy(stage.spec())
    stage.deploy(stage.spec(OTHER_ROLE, name="other"))
    stage.destroy(stage.spec())
    assert "/vpc-flow-logs/other/deployment.json" in stage.server.state.objects
    assert not any(path.startswith(FOLDER) for path in stage.server.state.objects)


def test_destroy_cancels_a_running_verify_run(stage: Stage) -> None:
    _runner(stage).next.append(Script(seconds=None))
    stage.patience = 5
    with pytest.raises(AssertionError, match="waited too long"):
        stage.deploy(stage.spec())
    stage.waited.clear()
    stage.patience = 2_000
    stage.destroy(stage.spec())
    assert all(run.ended for run in stage.server.state.runs.values())


# Another profile


def test_a_new_profile_replaces_the_old_one_completely(stage: Stage) -> None:
    stage.deploy(stage.spec(GROUP))
    stage.deploy(stage.spec(GROUP, OTHER_ROLE))
    assert list(stage.server.state.instance_profiles) == [f"{PROFILE}-2"]
    assert snapshot(stage.server.state)["roles"] == {"network-engineers": [f"{PROFILE}-2"]}
    cluster = _job(stage).settings["job_clusters"][0]["new_cluster"]
    assert cluster["aws_attributes"]["instance_profile_arn"] == f"{PROFILE}-2"


def test_a_removed_profile_stays_out_of_the_memory_when_the_stream_changes_too(stage: Stage) -> None:
    stage.deploy(stage.spec(GROUP))
    stage.deploy(stage.spec(GROUP, OTHER_ROLE, OFF))
    memory = Memory.read(stage.client(), FOLDER).value
    assert list(memory.granted) == [f"{PROFILE}-2"]
    assert memory.streams == ()


def test_deleting_a_replaced_profile_does_not_change_the_job(stage: Stage) -> None:
    stage.deploy(stage.spec(GROUP, OTHER_ROLE))
    before = snapshot(stage.server.state)
    stage.server.clear_log()
    (step,) = stage.destroy(stage.spec(GROUP), whole=False)
    assert (step.name, step.outcome) == ("job", "unchanged")
    assert stage.writing() == []
    assert snapshot(stage.server.state) == before


def test_destroying_an_environment_removes_every_profile_it_ever_had(stage: Stage) -> None:
    before = snapshot(stage.server.state)
    stage.deploy(stage.spec(GROUP))
    _runner(stage).next.append(Script(Outcome("FAILED", "AccessDenied")))
    with pytest.raises(DeploymentError):
        stage.deploy(stage.spec(GROUP, OTHER_ROLE))
    stage.destroy(stage.spec(GROUP, OTHER_ROLE))
    assert {**snapshot(stage.server.state), "schemas": [], "volumes": []} == before


def test_a_failed_replacement_of_the_profile_is_rolled_back_and_the_job_stays(stage: Stage) -> None:
    stage.deploy(stage.spec(GROUP))
    _runner(stage).next.append(Script(Outcome("FAILED", "AccessDenied")))
    with pytest.raises(DeploymentError):
        stage.deploy(stage.spec(GROUP, OTHER_ROLE))
    # A CloudFormation rollback deploys the old settings and then deletes the new profile.
    stage.deploy(stage.spec(GROUP))
    stage.destroy(stage.spec(GROUP, OTHER_ROLE), whole=False)
    assert list(stage.server.state.instance_profiles) == [PROFILE]
    assert snapshot(stage.server.state)["roles"] == {"network-engineers": [PROFILE]}
    assert snapshot(stage.server.state)["running"] == ["vpc-flow-logs-test"]


def test_the_definition_tag_is_a_hash_of_all_settings(stage: Stage) -> None:
    settings = job_settings.settings(stage.spec(), wheel_path="/w", has_disk=True)
    changed = job_settings.settings(stage.spec(MAIL), wheel_path="/w", has_disk=True)
    repeated = job_settings.settings(stage.spec(), wheel_path="/w", has_disk=True)
    hashes = [(each.tags or {})[job_settings.DEFINITION_TAG] for each in (settings, changed, repeated)]
    assert hashes[0] == hashes[2] != hashes[1]
