"""The real CDK command line deploys the real app to the emulator, which has flow logs as AWS does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from infra.config import load
from infra.environment import names
from infra.iam import policies
from local.aws import Emulator, running
from local.delivery import deliver
from tests.support.environment_files import EXISTING, NO_WORKSPACE, STACK, changed
from tests.support.stages import bootstrap, cdk, destroy, make_cross_account_role, wait

pytestmark = pytest.mark.slow

ACCOUNT = "111122223333"
BUCKET = "flow-logs-bucket"
VPC, SUBNET, INTERFACE = "vpc-0123456789abcdef0", "subnet-01234567", "eni-01234567"
# BEFORE: a VPC's and a subnet's flow log. AFTER: a tag on the first, another format for the second, and a third.
BEFORE = ("[reader]", f'[[flow_logs]]\nsubnet = "{SUBNET}"\n\n[reader]')
AFTER = [
    (f'"{VPC}"', f'"{VPC}"\ntags = {{ owner = "network" }}'),
    (f'"{SUBNET}"', f'"{SUBNET}"\nfields = ["srcaddr", "dstaddr", "bytes", "start", "end", "action"]'),
    ("[reader]", f'[[flow_logs]]\nnetwork_interface = "{INTERFACE}"\nfile_format = "parquet"\n\n[reader]'),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        yield emulator


def described(stage: Emulator) -> dict[str, dict[str, Any]]:
    """Return the flow logs by target."""
    return {flow_log["ResourceId"]: flow_log for flow_log in stage.client("ec2").describe_flow_logs()["FlowLogs"]}


def own_tags(flow_log: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in flow_log["Tags"] if not tag["Key"].startswith("aws:")}


def received(stage: Emulator, queue: str) -> Iterator[str]:
    """Yield the keys of the S3 events that reached a queue through SNS."""
    sqs = stage.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages"):
        for message in messages:
            event = json.loads(json.loads(message["Body"])["Message"])
            yield from (record["s3"]["object"]["key"] for record in event.get("Records", []))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def to_topic(topic: str, *, prefix: str) -> dict[str, Any]:
    key_filter = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    return {"Id": prefix, "TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": key_filter}


def notifications(stage: Emulator) -> dict[str, Any]:
    """Return the log bucket's notification configuration."""
    configuration = stage.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    return {key: value for key, value in configuration.items() if key != "ResponseMetadata"}


def test_deploy_update_delivery_and_destroy_work_with_the_cdk_command_line(stage: Emulator, tmp_path: Path) -> None:
    """Change an environment file from Auto Loader's notifications to the stack's between two deploys."""
    file = tmp_path / "test.toml"

    def run(*arguments: str) -> None:
        cdk(stage, *arguments, "-c", f"env={file}", folder=tmp_path)

    make_cross_account_role(stage, "databricks-cross-account")
    before = changed(NO_WORKSPACE, BEFORE)
    file.write_text(before)
    bootstrap(stage, folder=tmp_path)
    run("deploy", "--all", "--require-approval=never")
    first = described(stage)
    assert {flow_log["LogDestination"] for flow_log in first.values()} == {f"arn:aws:s3:::{BUCKET}"}
    assert sorted(first) == [SUBNET, VPC]

    file.write_text(changed(STACK, *AFTER, text=before))
    run("deploy", "--all", "--require-approval=never")
    second = described(stage)
    assert sorted(second) == [INTERFACE, SUBNET, VPC]
    # A new tag keeps the flow log; a new format creates its replacement before the old one is deleted.
    assert second[VPC]["FlowLogId"] == first[VPC]["FlowLogId"]
    assert own_tags(second[VPC]) == {"owner": "network", **own_tags(first[VPC])}
    assert second[SUBNET]["LogFormat"].startswith("${srcaddr} ${dstaddr}")
    log = stage.log.read_text()
    assert log.index(f"created {second[SUBNET]['FlowLogId']}") < log.index(f"deleted {first[SUBNET]['FlowLogId']}")

    delivered = deliver(stage, seed=1, intervals=2, records=50)
    assert [delivery.error for delivery in delivered] == [None] * 6
    queue = names.queue_name(load(str(file)))
    assert sorted(received(stage, queue)) == sorted(delivery.file.key for delivery in delivered)

    destroy(stage, folder=tmp_path)
    assert described(stage) == {}
    assert stage.client("sqs").list_queues().get("QueueUrls", []) == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.client("iam").get_role(RoleName="flow-log-reader")
    # The bucket and its logs outlive the stack; its notification does not.
    assert len(stage.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]) == len(delivered)
    assert notifications(stage) == {}


def test_an_environment_can_be_deployed_again_to_the_bucket_that_destroy_kept(stage: Emulator, tmp_path: Path) -> None:
    """Follow "Deploying again" of docs/deploy-notes.md with a bucket that has gained other notifications."""
    file = tmp_path / "test.toml"
    file.write_text(changed(NO_WORKSPACE, STACK, EXISTING))
    environment = load(str(file))
    s3, sns, topic = stage.client("s3"), stage.client("sns"), names.topic_arn(environment)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policies.bucket_policy_before_deploy(environment).document))
    others = {"TopicConfigurations": [to_topic("arn:aws:sns:us-east-1:111122223333:gone", prefix="reports/")]}
    # In earlier versions the notification was a property of the bucket and outlived the stack.
    leftovers = {"TopicConfigurations": [*others["TopicConfigurations"], to_topic(topic, prefix="AWSLogs/")]}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration=leftovers, SkipDestinationValidation=True
    )
    assert sns.list_topics().get("Topics", []) == []

    cdk(stage, "deploy", "--all", "--require-approval=never", "-c", f"env={file}", folder=tmp_path)
    set_up = notifications(stage)["TopicConfigurations"]
    assert {entry["TopicArn"] for entry in set_up} == {topic, "arn:aws:sns:us-east-1:111122223333:gone"}
    assert len(set_up) == 2
    delivered = deliver(stage, seed=2, intervals=1, records=50)
    assert [delivery.error for delivery in delivered] == [None]
    assert list(received(stage, names.queue_name(environment))) == [delivery.file.key for delivery in delivered]

    destroy(stage, folder=tmp_path)
    assert notifications(stage) == others


def template(**changes: Any) -> str:
    properties = {
        "ResourceType": "VPC",
        "ResourceId": "vpc-0aaaaaaaaaaaaaaaa",
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::open-bucket",
        **changes,
    }
    return json.dumps({"Resources": {"Log": {"Type": "AWS::EC2::FlowLog", "Properties": properties}}})


@pytest.fixture(scope="module")
def open_bucket(stage: Emulator) -> None:
    """Create a bucket that accepts any delivery."""
    service = {"Service": "delivery.logs.amazonaws.com"}
    resources = ["arn:aws:s3:::open-bucket", "arn:aws:s3:::open-bucket/*"]
    statement = {"Effect": "Allow", "Principal": service, "Action": "s3:*", "Resource": resources}
    stage.client("s3").create_bucket(Bucket="open-bucket")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.client("s3").put_bucket_policy(Bucket="open-bucket", Policy=policy)


@pytest.mark.usefixtures("open_bucket")
def test_a_create_only_property_replaces_the_flow_log_and_a_tag_does_not(stage: Emulator) -> None:
    cloudformation = stage.client("cloudformation")

    def flow_log() -> str:
        resources = cloudformation.describe_stack_resources(StackName="one")["StackResources"]
        return str(resources[0]["PhysicalResourceId"])

    def update(**changes: Any) -> None:
        cloudformation.update_stack(StackName="one", TemplateBody=template(**changes))
        wait(stage, "one", "stack_update_complete")

    cloudformation.create_stack(StackName="one", TemplateBody=template())
    wait(stage, "one", "stack_create_complete")
    first = flow_log()
    update(Tags=[{"Key": "owner", "Value": "network"}])
    assert flow_log() == first
    assert own_tags(described(stage)["vpc-0aaaaaaaaaaaaaaaa"]) == {"owner": "network"}
    update(TrafficType="REJECT")
    second = flow_log()
    assert second != first
    ids = [entry["FlowLogId"] for entry in stage.client("ec2").describe_flow_logs()["FlowLogs"]]
    assert second in ids
    assert first not in ids
    assert stage.log.read_text().index(f"created {second}") < stage.log.read_text().index(f"deleted {first}")
    cloudformation.delete_stack(StackName="one")
    wait(stage, "one", "stack_delete_complete")
    assert "vpc-0aaaaaaaaaaaaaaaa" not in described(stage)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"TrafficType": "SOME"}, "#/TrafficType: SOME is not a valid enum value"),
        ({"DestinationOptions": {"FileFormat": "parquet"}}, "required key [HiveCompatiblePartitions] not found"),
        ({"MaxAggregationInterval": 61}, "Invalid MaxAggregationInterval: 61"),
        ({"LogDestination": "arn:aws:s3:::no-such-bucket"}, "LogDestination: no-such-bucket does not exist"),
        (
            {"LogDestination": "arn:aws:s3:::closed-bucket"},
            "Access Denied for LogDestination: closed-bucket. Please check LogDestination permission",
        ),
    ],
)
@pytest.mark.usefixtures("open_bucket")
def test_an_invalid_flow_log_fails_its_stack(changes: dict[str, Any], error: str, stage: Emulator) -> None:
    stage.client("s3").create_bucket(Bucket="closed-bucket")
    cloudformation = stage.client("cloudformation")
    cloudformation.create_stack(StackName="invalid", TemplateBody=template(**changes))
    with pytest.raises(WaiterError):
        wait(stage, "invalid", "stack_create_complete")
    events = cloudformation.describe_stack_events(StackName="invalid")["StackEvents"]
    assert any(error in event.get("ResourceStatusReason", "") for event in events), events
    assert "vpc-0aaaaaaaaaaaaaaaa" not in described(stage)
    cloudformation.delete_stack(StackName="invalid")
    wait(stage, "invalid", "stack_delete_complete")
