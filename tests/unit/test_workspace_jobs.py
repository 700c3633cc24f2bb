"""Jobs of the local workspace: create, change, list and delete."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service import compute, jobs

from local.workspace import WorkspaceServer
from tests.support.workspaces import PROFILE, WHEEL, call, cluster, job, prepared, task


@pytest.fixture
def client(server: WorkspaceServer) -> WorkspaceClient:
    return prepared(server)


def create_job(client: WorkspaceClient, **changes: Any) -> int:
    job_id = client.jobs.create(**job(**changes)).job_id
    assert job_id is not None
    return job_id


def settings(client: WorkspaceClient, job_id: int) -> dict[str, Any]:
    job_settings = client.jobs.get(job_id).settings
    assert job_settings is not None
    return job_settings.as_dict()


def test_a_job_is_returned_with_the_defaults_of_the_service(client: WorkspaceClient) -> None:
    sent = jobs.JobSettings(**job(continuous=jobs.Continuous(pause_status=jobs.PauseStatus.PAUSED))).as_dict()
    shown = settings(client, create_job(client, continuous=jobs.Continuous(pause_status=jobs.PauseStatus.PAUSED)))
    assert shown != sent
    assert {key: shown[key] for key in shown.keys() - sent.keys()} == {
        "email_notifications": {},
        "webhook_notifications": {},
        "format": "MULTI_TASK",
        "timeout_seconds": 0,
        "max_concurrent_runs": 1,
    }
    (given,), (filled,) = sent["tasks"], shown["tasks"]
    assert filled == {
        **given,
        "run_if": "ALL_SUCCESS",
        "timeout_seconds": 0,
        "email_notifications": {},
        "webhook_notifications": {},
    }
    assert shown["job_clusters"][0]["new_cluster"]["data_security_mode"] == "SINGLE_USER"
    assert shown["continuous"] == {"pause_status": "PAUSED", "task_retry_mode": "NEVER"}


def test_job_names_are_not_unique(client: WorkspaceClient) -> None:
    assert create_job(client) != create_job(client)
    assert len(list(client.jobs.list(name="FLOW LOGS"))) == 2


def test_jobs_are_listed_in_pages_with_tags_and_with_tasks_only_on_request(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    job_ids = [create_job(client, tags={"environment": str(number)}) for number in range(5)]
    server.log.requests.clear()
    listed = list(client.jobs.list(limit=2))
    assert [listed_job.job_id for listed_job in listed] == job_ids[::-1]
    assert len(server.requests) == 3
    first = listed[0].settings
    assert first is not None
    assert (first.tags, first.tasks) == ({"environment": "4"}, [])
    (expanded, *_) = client.jobs.list(expand_tasks=True)
    assert expanded.settings is not None
    assert [task_.task_key for task_ in expanded.settings.tasks or []] == ["ingest"]


@pytest.mark.parametrize("limit", [-1, 101])
def test_a_page_has_at_most_100_jobs(server: WorkspaceServer, limit: int) -> None:
    status, answer = call(server, "GET", f"/api/2.2/jobs/list?limit={limit}")
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert call(server, "GET", "/api/2.2/jobs/list?page_token=none")[0] == 400


def test_reset_replaces_all_settings_and_update_only_the_named_ones(client: WorkspaceClient) -> None:
    job_id = create_job(client, description="old")
    client.jobs.update(job_id, new_settings=jobs.JobSettings(name="new"))
    assert (settings(client, job_id)["name"], settings(client, job_id)["description"]) == ("new", "old")
    for rejected in ({"new_settings": jobs.JobSettings(tasks=[task()])}, {"fields_to_remove": ["description"]}):
        with pytest.raises(InvalidParameterValue, match="without lists are supported"):
            client.jobs.update(job_id, **rejected)
    client.jobs.reset(job_id, jobs.JobSettings(**job()))
    shown = settings(client, job_id)
    assert shown["name"] == "flow logs"
    assert "description" not in shown


def test_reset_without_run_as_keeps_it(server: WorkspaceServer, client: WorkspaceClient) -> None:
    run_as = jobs.JobRunAs(service_principal_name=server.credentials.client_id)
    job_id = create_job(client, run_as=run_as)
    client.jobs.reset(job_id, jobs.JobSettings(**job()))
    assert settings(client, job_id)["run_as"] == run_as.as_dict()


def test_a_deleted_job_is_not_found_by_get_and_an_invalid_value_for_other_requests(client: WorkspaceClient) -> None:
    job_id = create_job(client)
    client.jobs.delete(job_id)
    with pytest.raises(ResourceDoesNotExist, match=f"Job {job_id} does not exist"):
        client.jobs.get(job_id)
    # As in the real service: the SDK maps this error to "not found" only for GET requests.
    for attempt in (lambda: client.jobs.delete(job_id), lambda: client.jobs.reset(job_id, jobs.JobSettings())):
        with pytest.raises(InvalidParameterValue, match=f"Job {job_id} does not exist"):
            attempt()


SCHEDULE = jobs.CronSchedule("0 0 * * * ?", "UTC")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"job_clusters": [jobs.JobCluster("main", cluster(spark_version="1.x"))]}, "Invalid spark version 1.x."),
        (
            {"job_clusters": [jobs.JobCluster("main", cluster(node_type_id="m9.huge"))]},
            "Node type m9.huge is not supported. Supported node types: m5d.large",
        ),
        (
            {"job_clusters": [jobs.JobCluster("main", cluster(policy_id="ABC"))]},
            "Can't find a cluster policy with id: ABC.",
        ),
        (
            {"job_clusters": [jobs.JobCluster("main", cluster(num_workers=0))]},
            "NumWorkers could be 0 only for SingleNode clusters.",
        ),
        (
            {"job_clusters": [jobs.JobCluster("main", cluster(num_workers=0, is_single_node=True))]},
            "only be used with kind CLASSIC_PREVIEW",
        ),
        (
            {
                "job_clusters": [
                    jobs.JobCluster("main", cluster(aws_attributes={"instance_profile_arn": f"{PROFILE}-2"}))
                ]
            },
            f"{PROFILE}-2 is not registered",
        ),
        ({"job_clusters": []}, "Job cluster 'main' is not defined in field 'job_clusters'."),
        ({"tasks": [task(job_cluster_key=None)]}, "One of job_cluster_key, new_cluster, or existing_cluster_id must"),
        ({"tasks": [task(), task()]}, "Duplicate task_key 'ingest'"),
        ({"tasks": [task(python_wheel_task=None)]}, "must have exactly one type of task"),
        ({"tasks": [task(depends_on=[jobs.TaskDependency("other")])]}, "depends on unknown task 'other'"),
        ({"continuous": jobs.Continuous(), "schedule": SCHEDULE}, "Only one of schedule, continuous and trigger"),
        ({"continuous": jobs.Continuous(), "max_concurrent_runs": 2}, "max_concurrent_runs must be 1"),
        ({"continuous": jobs.Continuous(), "tasks": [task(max_retries=1)]}, "nor a retry policy"),
        ({"schedule": jobs.CronSchedule("* * *", "UTC")}, "Invalid quartz_cron_expression"),
    ],
)
def test_invalid_settings_are_rejected_by_create_and_reset(
    server: WorkspaceServer, client: WorkspaceClient, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidParameterValue) as rejected:
        create_job(client, **changes)
    assert message in str(rejected.value)
    assert not server.state.jobs
    job_id = create_job(client)
    with pytest.raises(InvalidParameterValue):
        client.jobs.reset(job_id, jobs.JobSettings(**job(**changes)))
    assert settings(client, job_id)["name"] == "flow logs"


def test_a_wheel_task_cannot_have_named_parameters_and_a_list(client: WorkspaceClient) -> None:
    both = jobs.PythonWheelTask("p", "ingest", named_parameters={"a": "1"}, parameters=["--a=1"])
    with pytest.raises(InvalidParameterValue, match="only one of parameters and named_parameters"):
        create_job(client, tasks=[task(python_wheel_task=both)])


def test_a_single_node_cluster_gets_its_tags_and_spark_settings(client: WorkspaceClient) -> None:
    one_node = cluster(num_workers=None, is_single_node=True, kind="CLASSIC_PREVIEW")
    shown = settings(client, create_job(client, job_clusters=[jobs.JobCluster("main", one_node)]))
    new_cluster = shown["job_clusters"][0]["new_cluster"]
    assert (new_cluster["num_workers"], new_cluster["custom_tags"]) == (0, {"ResourceClass": "SingleNode"})
    assert new_cluster["spark_conf"]["spark.databricks.cluster.profile"] == "singleNode"


def test_the_legacy_single_node_settings_are_rejected_with_an_access_mode(client: WorkspaceClient) -> None:
    older = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"}
    assert create_job(client, job_clusters=[jobs.JobCluster("main", cluster(num_workers=0, spark_conf=older))])
    both = cluster(num_workers=0, spark_conf=older, data_security_mode="SINGLE_USER")
    with pytest.raises(InvalidParameterValue, match="not allowed when choosing an access mode"):
        create_job(client, job_clusters=[jobs.JobCluster("main", both)])


def test_cluster_defaults_are_filled_in_and_write_only_fields_are_left_out(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    plain = cluster(aws_attributes=None, apply_policy_default_values=True)
    own = {"job_cluster_key": None, "new_cluster": plain}
    shown = settings(client, create_job(client, tasks=[task(**own)]))["tasks"][0]["new_cluster"]
    assert shown["aws_attributes"] == {"availability": "SPOT_WITH_FALLBACK", "zone_id": "us-east-1c"}
    assert (shown["data_security_mode"], shown["enable_elastic_disk"]) == ("SINGLE_USER", False)
    assert "apply_policy_default_values" not in shown
    server.behavior.every_default = True
    one_node = cluster(num_workers=None, is_single_node=True, kind="CLASSIC_PREVIEW")
    job_id = create_job(client, job_clusters=[jobs.JobCluster("main", one_node)])
    shown = settings(client, job_id)["job_clusters"][0]["new_cluster"]
    assert (shown["runtime_engine"], shown["driver_node_type_id"]) == ("PHOTON", "m5d.large")
    assert shown["custom_tags"] == {"ResourceClass": "SingleNode", "environment": "test"}


def test_empty_notification_lists_and_empty_parameters_are_dropped(
    server: WorkspaceServer, client: WorkspaceClient
) -> None:
    wheel = jobs.PythonWheelTask("p", "ingest", named_parameters={"a": "1", "b": ""})
    mails = jobs.JobEmailNotifications(on_failure=[])
    job_id = create_job(client, tasks=[task(python_wheel_task=wheel)], email_notifications=mails)
    assert server.state.jobs[job_id].settings["email_notifications"] == {}
    assert settings(client, job_id)["tasks"][0]["python_wheel_task"]["named_parameters"] == {"a": "1"}


def test_an_existing_cluster_policy_is_accepted(server: WorkspaceServer, client: WorkspaceClient) -> None:
    server.state.policies["ABC"] = "job clusters"
    assert create_job(client, job_clusters=[jobs.JobCluster("main", cluster(policy_id="ABC"))])


def test_the_sdk_selects_a_runtime_and_a_node_type(client: WorkspaceClient) -> None:
    assert client.clusters.select_spark_version(long_term_support=True, scala="2.13") == "18.x-scala2.13"
    assert client.clusters.select_spark_version(long_term_support=True).startswith("16.4")
    assert client.clusters.select_node_type(min_cores=4, category="Storage Optimized") == "i3.xlarge"


def test_a_missing_library_is_accepted_when_a_job_is_created(client: WorkspaceClient) -> None:
    missing = [compute.Library(whl=WHEEL.replace("1.0", "2.0"))]
    assert create_job(client, tasks=[task(libraries=missing)])
