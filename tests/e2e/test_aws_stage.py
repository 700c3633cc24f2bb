"""The stage is an AWS that the real CDK command line deploys the real app to; it ends with its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from infra import names
from infra.config import load
from local.aws import Credentials, NotStarted, Refused, Stage, running
from local.aws.stage import PRIVATE, opener
from local.delivery import deliver
from tests.e2e.stages import ROOT, SECONDS, cdk, make_cross_account_role
from tests.infra.environment_files import NO_WORKSPACE, STACK, changed

pytestmark = pytest.mark.slow

ACCOUNT = "111122223333"
BUCKET = "flow-logs-bucket"
VPC, SUBNET, INTERFACE = "vpc-0123456789abcdef0", "subnet-01234567", "eni-01234567"
# Before, a VPC's and a subnet's; then the first has one tag more, the second another format, and there is a third.
BEFORE = ("[reader]", f'[[flow_logs]]\nsubnet = "{SUBNET}"\n\n[reader]')
AFTER = [
    (f'"{VPC}"', f'"{VPC}"\ntags = {{ owner = "network" }}'),
    (f'"{SUBNET}"', f'"{SUBNET}"\nfields = ["srcaddr", "dstaddr", "bytes", "start", "end", "action"]'),
    ("[reader]", f'[[flow_logs]]\nnetwork_interface = "{INTERFACE}"\nfile_format = "parquet"\n\n[reader]'),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as found:
        yield found


def described(stage: Stage) -> dict[str, dict[str, Any]]:
    """The flow logs there are, by their target."""
    return {told["ResourceId"]: told for told in stage.client("ec2").describe_flow_logs()["FlowLogs"]}


def own_tags(told: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in told["Tags"] if not tag["Key"].startswith("aws:")}


def received(stage: Stage, queue: str) -> Iterator[str]:
    """The keys that S3 has told of, through SNS, in a queue."""
    sqs = stage.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages"):
        for message in found:
            event = json.loads(json.loads(message["Body"])["Message"])
            yield from (record["s3"]["object"]["key"] for record in event.get("Records", []))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_the_app_is_deployed_updated_delivered_to_and_destroyed(stage: Stage, tmp_path: Path) -> None:
    """First with Auto Loader's notifications, then with the stack's: a file of one environment that changes."""
    file = tmp_path / "test.toml"

    def run(*arguments: str) -> None:
        cdk(stage, *arguments, "-c", f"env={file}", folder=tmp_path)

    make_cross_account_role(stage, "databricks-cross-account")
    before = changed(NO_WORKSPACE, BEFORE)
    file.write_text(before)
    run("bootstrap")
    run("deploy", "--all", "--require-approval=never")
    first = described(stage)
    assert {told["LogDestination"] for told in first.values()} == {f"arn:aws:s3:::{BUCKET}"}
    assert sorted(first) == [SUBNET, VPC]

    file.write_text(changed(STACK, *AFTER, text=before))
    run("deploy", "--all", "--require-approval=never")
    then = described(stage)
    assert sorted(then) == [INTERFACE, SUBNET, VPC]
    # A tag changes nothing else, a format makes another flow log before the old one goes.
    assert then[VPC]["FlowLogId"] == first[VPC]["FlowLogId"]
    assert own_tags(then[VPC]) == {"owner": "network", **own_tags(first[VPC])}
    assert then[SUBNET]["LogFormat"].startswith("${srcaddr} ${dstaddr}")
    said = stage.log.read_text()
    assert said.index(f"made {then[SUBNET]['FlowLogId']}") < said.index(f"deleted {first[SUBNET]['FlowLogId']}")

    delivered = deliver(stage, seed=1, intervals=2, records=50)
    assert [one.error for one in delivered] == [None] * 6
    queue = names.queue_name(load(str(file)))
    assert sorted(received(stage, queue)) == sorted(one.file.key for one in delivered)

    run("destroy", "--all", "--force")
    assert described(stage) == {}
    assert stage.client("sqs").list_queues().get("QueueUrls", []) == []
    with pytest.raises(ClientError, match="NoSuchEntity"):
        stage.client("iam").get_role(RoleName="flow-log-reader")
    # The bucket and its logs outlive the stack.
    assert len(stage.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]) == len(delivered)


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
def open_bucket(stage: Stage) -> None:
    """A bucket that takes any delivery."""
    service = {"Service": "delivery.logs.amazonaws.com"}
    resources = ["arn:aws:s3:::open-bucket", "arn:aws:s3:::open-bucket/*"]
    statement = {"Effect": "Allow", "Principal": service, "Action": "s3:*", "Resource": resources}
    stage.client("s3").create_bucket(Bucket="open-bucket")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.client("s3").put_bucket_policy(Bucket="open-bucket", Policy=policy)


@pytest.mark.usefixtures("open_bucket")
def test_a_create_only_change_replaces_and_a_tag_does_not(stage: Stage) -> None:
    cloudformation = stage.client("cloudformation")

    def flow_log() -> str:
        found = cloudformation.describe_stack_resources(StackName="one")["StackResources"]
        return str(found[0]["PhysicalResourceId"])

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
    there = [told["FlowLogId"] for told in stage.client("ec2").describe_flow_logs()["FlowLogs"]]
    assert second in there
    assert first not in there
    assert stage.log.read_text().index(f"made {second}") < stage.log.read_text().index(f"deleted {first}")
    cloudformation.delete_stack(StackName="one")
    wait(stage, "one", "stack_delete_complete")
    assert "vpc-0aaaaaaaaaaaaaaaa" not in described(stage)


def wait(stage: Stage, stack: str, what: str) -> None:
    stage.client("cloudformation").get_waiter(what).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@pytest.mark.parametrize(
    ("changes", "told"),
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
def test_a_flow_log_that_aws_would_refuse_fails_its_stack(changes: dict[str, Any], told: str, stage: Stage) -> None:
    stage.client("s3").create_bucket(Bucket="closed-bucket")
    cloudformation = stage.client("cloudformation")
    cloudformation.create_stack(StackName="refused", TemplateBody=template(**changes))
    with pytest.raises(WaiterError):
        wait(stage, "refused", "stack_create_complete")
    events = cloudformation.describe_stack_events(StackName="refused")["StackEvents"]
    assert any(told in event.get("ResourceStatusReason", "") for event in events), events
    assert "vpc-0aaaaaaaaaaaaaaaa" not in described(stage)
    cloudformation.delete_stack(StackName="refused")
    wait(stage, "refused", "stack_delete_complete")


_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_an_instance_has_the_rights_of_its_role_and_no_others(stage: Stage) -> None:
    iam = stage.client("iam")
    iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(_TRUST))
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="runner", PolicyName="p", PolicyDocument=policy)
    profile = iam.create_instance_profile(InstanceProfileName="runner-profile")["InstanceProfile"]
    with pytest.raises(Refused, match="has no role"):
        stage.instance_credentials("runner-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="runner-profile", RoleName="runner")

    credentials = stage.instance_credentials(profile["Arn"])
    who = stage.client("sts", credentials).get_caller_identity()["Arn"]
    assert who.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/i-")
    assert "Buckets" in stage.client("s3", credentials).list_buckets()
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.client("s3", credentials).create_bucket(Bucket="not-mine")

    for wrong in (replace(credentials, secret="wrong"), replace(credentials, token=None)):
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidToken|InvalidAccessKeyId"):
            stage.client("s3", wrong).list_buckets()

    with pytest.raises(Refused, match="cannot be found"):
        stage.instance_credentials("no-such-profile")
    of_lambda = json.dumps(_TRUST).replace("ec2", "lambda")
    iam.update_assume_role_policy(RoleName="runner", PolicyDocument=of_lambda)
    with pytest.raises(Refused, match="does not trust ec2"):
        stage.instance_credentials("runner-profile")


def runner(stage: Stage, name: str, *statements: dict[str, Any]) -> Credentials:
    """An instance whose role has a policy."""
    iam = stage.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return stage.instance_credentials(name)


def test_batches_and_tags_are_asked_for_as_aws_asks(stage: Stage) -> None:
    url = stage.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    topic = stage.client("sns").create_topic(Name="tagged")["TopicArn"]
    entries = [{"Id": "1", "MessageBody": "x"}]
    actions = ["sqs:SendMessage", "sns:TagResource", "sns:ListTagsForResource"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": [topic, f"arn:aws:sqs:us-east-1:{ACCOUNT}:batches"]}
    may = runner(stage, "may-send", allowed)
    assert stage.client("sqs", may).send_message_batch(QueueUrl=url, Entries=entries)["Successful"]
    stage.client("sns", may).tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "b"}])
    assert stage.client("sns", may).list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "a", "Value": "b"}]

    may_not = runner(stage, "may-not-send", {**allowed, "Action": ["sqs:SendMessageBatch", "sns:GetTopicAttributes"]})
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.client("sqs", may_not).send_message_batch(QueueUrl=url, Entries=entries)
    with pytest.raises(ClientError, match="AuthorizationError"):
        stage.client("sns", may_not).tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "b"}])


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({}, {}, "Configurations overlap"),
        ({"prefix": "AWSLogs/"}, {"prefix": "AWSLogs/1/"}, "Configuration is ambiguously defined"),
        ({"prefix": "AWSLogs/"}, {}, "Configuration is ambiguously defined"),
        ({"prefix": "AWSLogs/"}, {"prefix": "other/"}, None),
        ({"suffix": ".gz"}, {"suffix": ".parquet"}, None),
    ],
)
def test_notifications_that_overlap_are_refused(
    one: dict[str, str], other: dict[str, str], told: str | None, stage: Stage
) -> None:
    s3 = stage.client("s3")
    with suppress(ClientError):
        s3.create_bucket(Bucket="notified")
    topic = stage.client("sns").create_topic(Name="told")["TopicArn"]

    def configuration(rules: dict[str, str]) -> dict[str, Any]:
        filters = [{"Name": name, "Value": value} for name, value in rules.items()]
        return {
            "TopicArn": topic,
            "Events": ["s3:ObjectCreated:*"],
            **({"Filter": {"Key": {"FilterRules": filters}}} if filters else {}),
        }

    both = {"TopicConfigurations": [configuration(one), configuration(other)]}
    if told:
        with pytest.raises(ClientError, match=told):
            s3.put_bucket_notification_configuration(Bucket="notified", NotificationConfiguration=both)
    else:
        s3.put_bucket_notification_configuration(Bucket="notified", NotificationConfiguration=both)


def test_what_aws_does_by_itself_is_done_for_nobody_else(stage: Stage) -> None:
    request = urllib.request.Request(f"{stage.url}{PRIVATE}places", data=b"", headers={"Authorization": "Bearer x"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener(stage.certificate).open(request, timeout=10)


# Each answers CloudFormation as the functions that CDK brings do: the one in Node drops the URL's port.
_NODE = """
const https = require("https");
exports.handler = async (event) => {
  const url = new URL(event.ResponseURL);
  const body = JSON.stringify({Status: "SUCCESS", PhysicalResourceId: "x", StackId: event.StackId,
    RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId, Data: {Pid: String(process.pid)}});
  await new Promise((resolve, reject) => {
    const request = https.request({hostname: url.hostname, path: url.pathname + url.search, method: "PUT",
      headers: {"content-type": "", "content-length": Buffer.byteLength(body)}}, resolve);
    request.on("error", reject);
    request.end(body);
  });
};
"""
_PYTHON = """
import json, os, urllib.request
def handler(event, context):
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "x", "Data": {"Pid": str(os.getpid())}}
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()
"""


def with_custom_resources() -> str:
    """A template with a custom resource in each language; the outputs are the ids of the functions' processes."""
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}}
    for name, runtime, code in (("Node", "nodejs22.x", _NODE), ("Python", "python3.12", _PYTHON)):
        function = {
            "Runtime": runtime,
            "Handler": "index.handler",
            "Code": {"ZipFile": code},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        }
        token = {"ServiceToken": {"Fn::GetAtt": [f"{name}Function", "Arn"]}, "ServiceTimeout": 60}
        resources[f"{name}Function"] = {"Type": "AWS::Lambda::Function", "Properties": function}
        resources[f"{name}Resource"] = {"Type": "Custom::Answer", "Properties": token}
    outputs = {name: {"Value": {"Fn::GetAtt": [f"{name}Resource", "Pid"]}} for name in ("Node", "Python")}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def functions_of(stage: Stage) -> list[int]:
    """Have a stack of custom resources made; the processes of its functions."""
    cloudformation = stage.client("cloudformation")
    cloudformation.create_stack(
        StackName="functions", TemplateBody=with_custom_resources(), Capabilities=["CAPABILITY_IAM"]
    )
    wait(stage, "functions", "stack_create_complete")
    (stack,) = cloudformation.describe_stacks(StackName="functions")["Stacks"]
    return [int(output["OutputValue"]) for output in stack["Outputs"]]


def test_two_stages_run_at_once_and_custom_resources_of_both_are_answered(stage: Stage, tmp_path: Path) -> None:
    with running(tmp_path / "second", account=ACCOUNT) as second:
        second.client("s3").create_bucket(Bucket="of-the-second")
        assert "of-the-second" not in {found["Name"] for found in stage.client("s3").list_buckets()["Buckets"]}
        assert set(functions_of(stage)).isdisjoint(functions_of(second))


_PARENT = """
import sys, time
from pathlib import Path
from local.aws import running
from tests.e2e.test_aws_stage import functions_of
with running(Path(sys.argv[1])) as stage:
    print(stage.url, *functions_of(stage), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_its_parent_and_so_do_its_functions(how: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout
        url, *functions = parent.stdout.readline().split()
        port = int(url.rpartition(":")[2])
        assert listens(port)
        assert all(map(is_alive, map(int, functions)))
        parent.send_signal(how)
        parent.wait(SECONDS)
    finally:
        parent.kill()
    assert soon(lambda: not listens(port))
    assert soon(lambda: not any(map(is_alive, map(int, functions))))


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def soon(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not what() and time.monotonic() < deadline:
        time.sleep(0.1)
    return what()


def test_a_stage_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The child looks for modules where its parent does.
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not Path(entry, "local", "aws").exists()])
    with pytest.raises(NotStarted, match="No module named"), running(tmp_path / "stage"):
        pass


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells who listens where")
def test_it_listens_on_one_port_of_this_machine_alone(tmp_path: Path) -> None:
    with running(tmp_path) as stage:
        functions_of(stage)
        port = int(stage.url.rpartition(":")[2])
        assert listeners_beside(port) == {f"0100007F:{port:04X}"}


def listeners_beside(port: int) -> set[str]:
    """Where the process that listens on a port of 127.0.0.1 listens, in /proc's spelling."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    sockets = {f"socket:[{line[9]}]": line[1] for line in lines if line[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            own = {sockets[name] for each in (process / "fd").iterdir() if (name := str(each.readlink())) in sockets}
        except OSError:
            continue
        if f"0100007F:{port:04X}" in own:
            return own
    return set()


def test_all_that_it_leaves_is_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setenv("HOME", str(elsewhere))
    with running(tmp_path / "stage", account=ACCOUNT) as stage:
        functions_of(stage)
        stage.client("s3").create_bucket(Bucket="left")
        stage.client("s3").put_object(Bucket="left", Key="a", Body=b"x")
    assert list(elsewhere.rglob("*")) == []
