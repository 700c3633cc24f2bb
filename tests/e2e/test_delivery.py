"""Simulated log delivery: files in each flow log's format and at its keys, if the bucket policy allows them."""

from __future__ import annotations

import copy
import gzip
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.iam import policies
from local.aws import Credentials, Emulator, Refused, certificate, running
from local.delivery import Delivered, deliver, delivering, flow_logs, totals
from tests.support.environment_files import changed, environment
from vpc_flow_logs.fields import DEFAULT_FORMAT, TGW_DEFAULT_FORMAT

pytestmark = pytest.mark.slow

ACCOUNT, OTHER = "111122223333", "999988887777"
BUCKET = "flow-logs-bucket"
START = datetime(2026, 11, 24, 23, 58, tzinfo=timezone.utc)
# Flow logs of a second account and region, in Hive folders, which the generated bucket policy allows.
_OF_ANOTHER = f'[[flow_logs]]\naccount = "{OTHER}"\nregion = "eu-west-1"\nsubnet = "subnet-01234567"\n'
SECOND = ("[reader]", f"{_OF_ANOTHER}hive_partitions = true\n\n[reader]")
PREFIX = ('"flow-logs-bucket"', '"flow-logs-bucket"\nprefix = "net"')


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as emulator:
        emulator.client("s3").create_bucket(Bucket=BUCKET)
        yield emulator


@pytest.fixture
def policy(stage: Emulator, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Put the generated bucket policy in place; delete all flow logs and files afterward."""
    document = policies.bucket_policy(environment(tmp_path, PREFIX, SECOND)).document
    enforce(stage, document)
    yield document
    for flow_log, _ in flow_logs(stage):
        ec2 = stage.client("ec2", Credentials(key=flow_log.account), region=flow_log.region)
        ec2.delete_flow_logs(FlowLogIds=[flow_log.id])
    for name in keys(stage):
        stage.client("s3").delete_object(Bucket=BUCKET, Key=name)


def enforce(stage: Emulator, document: dict[str, Any]) -> None:
    stage.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document))


def keys(stage: Emulator) -> list[str]:
    objects = stage.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [item["Key"] for item in objects]


def create(stage: Emulator, *, account: str = ACCOUNT, region: str = "us-east-1", **changes: Any) -> dict[str, Any]:
    arguments = {
        "ResourceType": "VPC",
        "ResourceIds": ["vpc-0123456789abcdef0"],
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{BUCKET}/net/",
        **changes,
    }
    ec2 = stage.client("ec2", Credentials(key=account), region=region)
    answer: dict[str, Any] = ec2.create_flow_logs(
        **{name: value for name, value in arguments.items() if value is not None}
    )
    return answer


def created(stage: Emulator, **changes: Any) -> str:
    answer = create(stage, **changes)
    assert answer["Unsuccessful"] == []
    return str(answer["FlowLogIds"][0])


def body(stage: Emulator, delivery: Delivered) -> bytes:
    data: bytes = stage.client("s3").get_object(Bucket=delivery.bucket, Key=delivery.file.key)["Body"].read()
    return data


def status(stage: Emulator, flow_log: str) -> tuple[str, str | None]:
    (description,) = stage.client("ec2").describe_flow_logs(FlowLogIds=[flow_log])["FlowLogs"]
    return description["DeliverLogsStatus"], description.get("DeliverLogsErrorMessage")


HIVE = {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True}
GATEWAY = {
    "ResourceType": "TransitGateway",
    "ResourceIds": ["tgw-0123456789abcdef0"],
    "TrafficType": None,
    "MaxAggregationInterval": 60,
}


@pytest.mark.usefixtures("policy")
def test_each_flow_log_gets_files_in_its_own_format(stage: Emulator) -> None:
    plain = created(stage)
    fields = ("bytes", "action", "my-new-field", "end")
    custom = created(stage, LogFormat=" ".join(f"${{{name}}}" for name in fields), TrafficType="REJECT")
    gateway = created(stage, **GATEWAY)
    hive = created(stage, account=OTHER, region="eu-west-1", DestinationOptions=HIVE)
    deliveries = deliver(stage, seed=1, intervals=2, records=100, start=START)
    by_flow_log = {
        flow_log: [delivery for delivery in deliveries if delivery.flow_log.id == flow_log]
        for flow_log in (plain, custom, gateway, hive)
    }
    assert {flow_log: len(files) for flow_log, files in by_flow_log.items()} == dict.fromkeys(by_flow_log, 2)

    folder = f"net/AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1"
    first, second = (delivery.file.key for delivery in by_flow_log[plain])
    assert first.startswith(f"{folder}/2026/11/24/{ACCOUNT}_vpcflowlogs_us-east-1_{plain}_20261124T2355Z_")
    assert second.startswith(f"{folder}/2026/11/25/{ACCOUNT}_vpcflowlogs_us-east-1_{plain}_20261125T0000Z_")
    hive_folder = f"net/AWSLogs/aws-account-id={OTHER}/aws-service=vpcflowlogs/aws-region=eu-west-1"
    assert by_flow_log[hive][0].file.key.startswith(
        f"{hive_folder}/year=2026/month=11/day=24/hour=23/{OTHER}_vpcflowlogs_eu-west-1"
    )
    assert sorted(keys(stage)) == sorted(delivery.file.key for delivery in deliveries)

    headers = {
        flow_log: gzip.decompress(body(stage, by_flow_log[flow_log][0])).decode().splitlines()[0]
        for flow_log in (plain, custom, gateway)
    }
    assert headers == {
        plain: " ".join(DEFAULT_FORMAT),
        custom: " ".join(fields),
        gateway: " ".join(TGW_DEFAULT_FORMAT),
    }
    parquet = pq.read_table(io.BytesIO(body(stage, by_flow_log[hive][1])))
    assert parquet.num_rows == 100
    assert parquet.column_names == [name.replace("-", "_") for name in DEFAULT_FORMAT]
    assert set(by_flow_log[custom][0].file.actions) <= {"REJECT", "-"}


@pytest.mark.usefixtures("policy")
def test_delivery_totals_match_the_written_files(stage: Emulator) -> None:
    flow_log = created(stage)
    total = totals(deliver(stage, seed=3, intervals=3, records=200, files=2, start=START))[flow_log]
    lines: list[str] = []
    size = 0
    for name in keys(stage):
        data = stage.client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read()
        size += len(data)
        lines += gzip.decompress(data).decode().splitlines()[1:]
    records = [dict(zip(DEFAULT_FORMAT, line.split(" "), strict=True)) for line in lines]
    assert (total.files, total.rows, total.size, total.undelivered) == (6, len(records), size, 0)
    assert sorted(total.keys) == sorted(keys(stage))
    assert total.actions == Counter(record["action"] for record in records)
    assert total.statuses == Counter(record["log-status"] for record in records)
    assert total.bytes == sum(int(record["bytes"]) for record in records if record["bytes"] != "-")


@pytest.mark.usefixtures("policy")
def test_equal_seeds_give_equal_records_for_any_flow_log_id(stage: Emulator) -> None:
    def bodies(seed: int) -> list[bytes]:
        flow_log = created(stage)
        contents = [
            body(stage, delivery) for delivery in deliver(stage, seed=seed, intervals=2, records=100, start=START)
        ]
        stage.client("ec2").delete_flow_logs(FlowLogIds=[flow_log])
        return contents

    first = bodies(1)
    assert bodies(1) == first
    assert bodies(2) != first
    assert len(set(first)) == 2


@pytest.mark.usefixtures("policy")
def test_a_second_delivery_for_the_same_minutes_overwrites_nothing(stage: Emulator) -> None:
    created(stage)
    for seed, expected in ((1, 2), (2, 4), (2, 4)):
        deliver(stage, seed=seed, intervals=1, records=10, files=2, start=START)
        assert len(keys(stage)) == expected


def _without_the_write(document: dict[str, Any]) -> None:
    document["Statement"] = [
        statement
        for statement in document["Statement"]
        if "s3:PutObject" not in statement["Action"] or "Service" not in statement["Principal"]
    ]


def _without_the_acl_check(document: dict[str, Any]) -> None:
    document["Statement"] = [
        statement for statement in document["Statement"] if "s3:GetBucketAcl" not in statement["Action"]
    ]


def _for_another_account(document: dict[str, Any]) -> None:
    _in_conditions(document, f'"{ACCOUNT}"', '"444455556666"')


def _for_another_region(document: dict[str, Any]) -> None:
    _in_conditions(document, f":us-east-1:{ACCOUNT}:", f":eu-west-3:{ACCOUNT}:")


def _for_another_acl(document: dict[str, Any]) -> None:
    _in_conditions(document, "bucket-owner-full-control", "private")


def _in_conditions(document: dict[str, Any], old: str, new: str) -> None:
    before = copy.deepcopy(document)
    for statement in document["Statement"]:
        if "Condition" in statement:
            statement["Condition"] = json.loads(json.dumps(statement["Condition"]).replace(old, new))
    assert document != before


@pytest.mark.parametrize(
    "change",
    [_without_the_write, _without_the_acl_check, _for_another_account, _for_another_region, _for_another_acl],
)
def test_delivery_fails_if_the_policy_does_not_allow_it(
    change: Callable[[dict[str, Any]], None], policy: dict[str, Any], stage: Emulator
) -> None:
    flow_log = created(stage)
    narrower = copy.deepcopy(policy)
    change(narrower)
    enforce(stage, narrower)
    (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    assert delivery.error == "Access error"
    assert "does not allow" in str(delivery.reason)
    assert status(stage, flow_log) == ("FAILED", "Access error")
    assert keys(stage) == []
    assert (totals([delivery])[flow_log].files, totals([delivery])[flow_log].undelivered) == (0, 1)

    # Creating another flow log fails too.
    rejected = create(stage, TrafficType="REJECT")
    assert rejected["FlowLogIds"] == []
    message = rejected["Unsuccessful"][0]["Error"]["Message"]
    assert message == f"Access Denied for LogDestination: {BUCKET}. Please check LogDestination permission"

    enforce(stage, policy)
    (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    assert delivery.error is None
    assert status(stage, flow_log) == ("SUCCESS", None)
    assert keys(stage) == [delivery.file.key]


def _if_exists(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with an ACL condition that applies only to requests with an ACL."""
    loose = copy.deepcopy(document)
    for statement in loose["Statement"]:
        acl = statement.get("Condition", {}).get("StringEquals", {}).pop("s3:x-amz-acl", None)
        if acl:
            statement["Condition"]["StringEqualsIfExists"] = {"s3:x-amz-acl": acl}
    return loose


def _exactly(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with an ACL condition that applies to every request."""
    exact = copy.deepcopy(document)
    for statement in exact["Statement"]:
        if acl := statement.get("Condition", {}).pop("StringEqualsIfExists", None):
            statement["Condition"]["StringEquals"] |= acl
    return exact


@pytest.mark.parametrize("acl", [True, False], ids=["with the ACL", "without an ACL"])
def test_an_if_exists_condition_on_the_acl_allows_delivery_with_and_without_one(
    acl: bool, policy: dict[str, Any], stage: Emulator
) -> None:
    enforce(stage, _if_exists(policy))
    flow_log = created(stage)
    with stage.switched("deliver-with-acl", on=acl):
        (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    assert delivery.error is None
    assert status(stage, flow_log) == ("SUCCESS", None)
    assert keys(stage) == [delivery.file.key]


def test_an_if_exists_condition_denies_another_acl(policy: dict[str, Any], stage: Emulator) -> None:
    created(stage)
    private = _if_exists(policy)
    _for_another_acl(private)
    enforce(stage, private)
    (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    assert delivery.error == "Access error"


def test_an_exact_condition_on_the_acl_silently_denies_delivery_without_one(
    policy: dict[str, Any], stage: Emulator
) -> None:
    enforce(stage, _exactly(policy))
    with stage.switched("deliver-with-acl", on=False):
        flow_log = created(stage)  # succeeds
        (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    assert delivery.error == "Access error"
    assert status(stage, flow_log) == ("FAILED", "Access error")
    assert keys(stage) == []


def test_creating_a_flow_log_can_replace_the_bucket_policy_with_one_from_aws(
    policy: dict[str, Any], stage: Emulator
) -> None:
    with stage.switched("attach-bucket-policy", on=True):
        created(stage)
    live = json.loads(stage.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert [statement["Sid"] for statement in live] == ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"]
    (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    assert delivery.error is None, "the policy from AWS does not allow this flow log's delivery"
    enforce(stage, policy)
    with stage.switched("attach-bucket-policy", on=True):
        create(stage, account=OTHER, region="eu-west-1", DestinationOptions=HIVE)
    assert json.loads(stage.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]) == policy, (
        "another account replaced the bucket policy"
    )


def test_an_unknown_switch_is_rejected(stage: Emulator) -> None:
    with pytest.raises(Refused, match="no-such-switch: unknown switch"), stage.switched("no-such-switch", on=True):
        raise AssertionError


@pytest.mark.usefixtures("policy")
def test_an_account_that_the_policy_does_not_name_cannot_deliver(stage: Emulator) -> None:
    answer = create(stage, account="444455556666")
    assert answer["FlowLogIds"] == []
    assert "Access Denied for LogDestination" in answer["Unsuccessful"][0]["Error"]["Message"]


@pytest.mark.usefixtures("policy")
def test_delivery_needs_permission_to_use_the_buckets_key(stage: Emulator, tmp_path: Path) -> None:
    s3, kms = stage.client("s3"), stage.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    encrypted = ('prefix = "net"', f'prefix = "net"\nkms_key_arn = "{key}"')
    text = changed(PREFIX, SECOND)
    statements = policies.key_policy(environment(tmp_path, encrypted, text=text, name="encrypted")).document
    # The default statement of a key policy, which lets the key's account manage the key.
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    try:
        flow_log = created(stage)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Statement": [owner]}))
        (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
        assert (delivery.error, status(stage, flow_log)[0]) == ("Access error", "FAILED")
        assert "kms:GenerateDataKey" in str(delivery.reason)
        document = {**statements, "Statement": [owner, *statements["Statement"]]}
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
        (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
        assert delivery.error is None
        assert s3.head_object(Bucket=BUCKET, Key=delivery.file.key)["SSEKMSKeyId"] == key
        # Flow logs cannot use a key that the bucket's encryption names by ID instead of ARN.
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = key.rpartition("/")[2]
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
        message = create(stage, TrafficType="REJECT")["Unsuccessful"][0]["Error"]["Message"]
        assert message == f"LogDestination: {BUCKET} is undeliverable"
    finally:
        s3.delete_bucket_encryption(Bucket=BUCKET)


@pytest.mark.usefixtures("policy")
def test_a_delivered_object_is_an_ordinary_object_of_the_bucket_owner(stage: Emulator) -> None:
    created(stage)
    (delivery,) = deliver(stage, seed=1, intervals=1, records=10)
    head = stage.client("s3").head_object(Bucket=BUCKET, Key=delivery.file.key)
    assert head["ContentLength"] == delivery.file.size
    assert head["ContentType"] == "application/octet-stream"
    assert abs(head["LastModified"].timestamp() - time.time()) < 60


@pytest.mark.usefixtures("policy")
def test_continuous_delivery_follows_the_flow_logs_that_exist(stage: Emulator) -> None:
    start = time.time()
    first = created(stage)
    with delivering(stage, seed=1, every=0.3, records=20) as delivery:
        until(lambda: counts(delivery.delivered)[first] >= 2)
        second = created(stage, TrafficType="REJECT")
        until(lambda: counts(delivery.delivered)[second] >= 2)
        stage.client("ec2").delete_flow_logs(FlowLogIds=[first])
        # One of its files may still be in progress.
        until(lambda: counts(delivery.delivered[-2:])[first] == 0)
        last_count = counts(delivery.delivered)[first]
        until(lambda: counts(delivery.delivered)[second] >= 6)
        assert counts(delivery.delivered)[first] == last_count
    by_flow_log = totals(delivery.delivered)
    assert sorted(keys(stage)) == sorted(key for total in by_flow_log.values() for key in total.keys)
    for item in delivery.delivered:
        assert item.file.first_end
        assert item.file.last_end
        assert start - 5 < item.file.first_end <= item.file.last_end <= time.time()


def counts(delivered: list[Delivered]) -> Counter[str]:
    return Counter(item.flow_log.id for item in delivered)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_error_that_ends_continuous_delivery_is_raised(tmp_path: Path) -> None:
    stopped = Emulator(
        url="https://127.0.0.1:9",
        certificate=certificate.make(tmp_path).file,
        account=ACCOUNT,
        region="us-east-1",
        folder=tmp_path,
        secret="x",
    )

    def wait_for_its_end() -> None:
        with delivering(stopped, seed=1, every=0.1) as delivery:
            until(lambda: not delivery.is_alive())

    with pytest.raises(OSError, match="refused"):
        wait_for_its_end()
