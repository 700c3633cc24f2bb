"""The demo's final check finds each resource that a destroy should have removed, and nothing in an empty account."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import NotebookTask, Task

from infra.config import load
from infra.environment import names
from infra.iam import policies
from local.aws import Emulator, running
from local.demo.leftovers import Names, remaining
from local.workspace import WorkspaceServer, add_group
from tests.support.stages import make_cross_account_role

pytestmark = pytest.mark.slow

ENVIRONMENT = load("local")
NAMES = Names.of(ENVIRONMENT)
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_the_final_check_finds_exactly_the_resources_that_exist(tmp_path: Path) -> None:
    with running(tmp_path / "aws") as aws, WorkspaceServer() as server:
        workspace = WorkspaceClient(host=server.host, token=server.credentials.token)
        make_cross_account_role(aws, NAMES.cross_account_role)
        aws.client("s3").create_bucket(Bucket=NAMES.bucket)
        assert [item.kind for item in remaining(aws, workspace, NAMES) if item.leftover] == []

        create_leftovers_in_aws(aws)
        profile = names.profile_arn(ENVIRONMENT)
        workspace.instance_profiles.add(profile, skip_validation=True)
        add_group(server.state, "network-engineers").roles.append(profile)
        task = Task(task_key="ingest", notebook_task=NotebookTask(notebook_path="/x"), existing_cluster_id="1")
        for name in (NAMES.job, NAMES.maintenance_job):
            workspace.jobs.create(name=name, tasks=[task])

        resources = {item.kind: item.leftover for item in remaining(aws, workspace, NAMES)}

    absent = {kind for kind, resource in resources.items() if not resource}
    # Only a real deploy creates a stack, functions and active runs.
    assert absent == {"stack", "functions", "active runs"}
    assert resources["SNS topics"] == "databricks-auto-ingest-x"
    assert resources["bucket notification"] == "QueueConfigurations"
    assert resources["grant of the profile"] == "network-engineers"


def create_leftovers_in_aws(aws: Emulator) -> None:
    iam, sqs = aws.client("iam"), aws.client("sqs")
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    iam.create_role(RoleName=NAMES.role, AssumeRolePolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName=NAMES.role)
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    iam.put_role_policy(
        RoleName=NAMES.cross_account_role,
        PolicyName="pass",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [passing]}),
    )
    aws.client("sns").create_topic(Name="databricks-auto-ingest-x")
    url = sqs.create_queue(QueueName="databricks-auto-ingest-x")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage"}
    queue_policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": queue_policy})
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=NAMES.bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    policy = json.dumps(policies.bucket_policy(ENVIRONMENT).document)
    aws.client("s3").put_bucket_policy(Bucket=NAMES.bucket, Policy=policy)
    flow_logs = aws.client("ec2").create_flow_logs(
        ResourceIds=["vpc-0123456789abcdef0"],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=f"arn:aws:s3:::{NAMES.bucket}",
    )
    assert flow_logs["Unsuccessful"] == []
