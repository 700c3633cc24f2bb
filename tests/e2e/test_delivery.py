"""Log delivery, played: files in each flow log's own form, at the right keys, as far as the bucket's policy allows."""

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
# Flow logs of a second account and region, in Hive folders, allowed by the product's own bucket policy.
_OF_ANOTHER = f'[[flow_logs]]\naccount = "{OTHER}"\nregion = "eu-west-1"\nsubnet = "subnet-01234567"\n'
SECOND = ("[reader]", f"{_OF_ANOTHER}hive_partitions = true\n\n[reader]")
PREFIX = ('"flow-logs-bucket"', '"flow-logs-bucket"\nprefix = "net"')


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account=ACCOUNT) as found:
        found.client("s3").create_bucket(Bucket=BUCKET)
        yield found


@pytest.fixture
def policy(stage: Emulator, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The product's own bucket policy, in force; all flow logs and files are gone afterwards."""
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
    found = stage.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [each["Key"] for each in found]


def create(stage: Emulator, *, account: str = ACCOUNT, region: str = "us-east-1", **changes: Any) -> dict[str, Any]:
    given = {
        "ResourceType": "VPC",
        "ResourceIds": ["vpc-0123456789abcdef0"],
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{BUCKET}/net/",
        **changes,
    }
    ec2 = stage.client("ec2", Credentials(key=account), region=region)
    answer: dict[str, Any] = ec2.create_flow_logs(**{name: value for name, value in given.items() if value is not None})
    return answer


def created(stage: Emulator, **changes: Any) -> str:
    answer = create(stage, **changes)
    assert answer["Unsuccessful"] == []
    return str(answer["FlowLogIds"][0])


def body(stage: Emulator, one: Delivered) -> bytes:
    found: bytes = stage.client("s3").get_object(Bucket=one.bucket, Key=one.file.key)["Body"].read()
    return found


def status(stage: Emulator, flow_log: str) -> tuple[str, str | None]:
    (told,) = stage.client("ec2").describe_flow_logs(FlowLogIds=[flow_log])["FlowLogs"]
    return told["DeliverLogsStatus"], told.get("DeliverLogsErrorMessage")


HIVE = {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True}
GATEWAY = {
    "ResourceType": "TransitGateway",
    "ResourceIds": ["tgw-0123456789abcdef0"],
    "TrafficType": None,
    "MaxAggregationInterval": 60,
}


@pytest.mark.usefixtures("policy")
def test_each_flow_log_gets_files_in_its_own_form(stage: Emulator) -> None:
    plain = created(stage)
    fields = ("bytes", "action", "my-new-field", "end")
    own = created(stage, LogFormat=" ".join(f"${{{name}}}" for name in fields), TrafficType="REJECT")
    gateway = created(stage, **GATEWAY)
    hive = created(stage, account=OTHER, region="eu-west-1", DestinationOptions=HIVE)
    done = deliver(stage, seed=1, intervals=2, records=100, start=START)
    of = {flow_log: [one for one in done if one.flow_log.id == flow_log] for flow_log in (plain, own, gateway, hive)}
    assert {flow_log: len(files) for flow_log, files in of.items()} == dict.fromkeys(of, 2)

    folder = f"net/AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1"
    first, second = (one.file.key for one in of[plain])
    assert first.startswith(f"{folder}/2026/11/24/{ACCOUNT}_vpcflowlogs_us-east-1_{plain}_20261124T2355Z_")
    assert second.startswith(f"{folder}/2026/11/25/{ACCOUNT}_vpcflowlogs_us-east-1_{plain}_20261125T0000Z_")
    of_hive = f"net/AWSLogs/aws-account-id={OTHER}/aws-service=vpcflowlogs/aws-region=eu-west-1"
    assert of[hive][0].file.key.startswith(f"{of_hive}/year=2026/month=11/day=24/hour=23/{OTHER}_vpcflowlogs_eu-west-1")
    assert sorted(keys(stage)) == sorted(one.file.key for one in done)

    headers = {
        flow_log: gzip.decompress(body(stage, of[flow_log][0])).decode().splitlines()[0]
        for flow_log in (plain, own, gateway)
    }
    assert headers == {
        plain: " ".join(DEFAULT_FORMAT),
        own: " ".join(fields),
        gateway: " ".join(TGW_DEFAULT_FORMAT),
    }
    parquet = pq.read_table(io.BytesIO(body(stage, of[hive][1])))
    assert parquet.num_rows == 100
    assert parquet.column_names == [name.replace("-", "_") for name in DEFAULT_FORMAT]
    assert set(of[own][0].file.actions) <= {"REJECT", "-"}


@pytest.mark.usefixtures("policy")
def test_it_knows_what_it_wrote(stage: Emulator) -> None:
    flow_log = created(stage)
    found = totals(deliver(stage, seed=3, intervals=3, records=200, files=2, start=START))[flow_log]
    lines: list[str] = []
    size = 0
    for name in keys(stage):
        data = stage.client("s3").get_object(Bucket=BUCKET, Key=name)["Body"].read()
        size += len(data)
        lines += gzip.decompress(data).decode().splitlines()[1:]
    records = [dict(zip(DEFAULT_FORMAT, line.split(" "), strict=True)) for line in lines]
    assert (found.files, found.rows, found.size, found.refused) == (6, len(records), size, 0)
    assert sorted(found.keys) == sorted(keys(stage))
    assert found.actions == Counter(record["action"] for record in records)
    assert found.statuses == Counter(record["log-status"] for record in records)
    assert found.bytes == sum(int(record["bytes"]) for record in records if record["bytes"] != "-")


@pytest.mark.usefixtures("policy")
def test_equal_seeds_give_equal_records_whatever_the_flow_logs_id(stage: Emulator) -> None:
    def bodies(seed: int) -> list[bytes]:
        flow_log = created(stage)
        found = [body(stage, one) for one in deliver(stage, seed=seed, intervals=2, records=100, start=START)]
        stage.client("ec2").delete_flow_logs(FlowLogIds=[flow_log])
        return found

    first = bodies(1)
    assert bodies(1) == first
    assert bodies(2) != first
    assert len(set(first)) == 2


@pytest.mark.usefixtures("policy")
def test_another_batch_of_the_same_minutes_overwrites_nothing(stage: Emulator) -> None:
    created(stage)
    for seed, expected in ((1, 2), (2, 4), (2, 4)):
        deliver(stage, seed=seed, intervals=1, records=10, files=2, start=START)
        assert len(keys(stage)) == expected


def _without_the_write(document: dict[str, Any]) -> None:
    document["Statement"] = [
        each
        for each in document["Statement"]
        if "s3:PutObject" not in each["Action"] or "Service" not in each["Principal"]
    ]


def _without_the_acl_check(document: dict[str, Any]) -> None:
    document["Statement"] = [each for each in document["Statement"] if "s3:GetBucketAcl" not in each["Action"]]


def _for_another_account(document: dict[str, Any]) -> None:
    _in_conditions(document, f'"{ACCOUNT}"', '"444455556666"')


def _for_another_region(document: dict[str, Any]) -> None:
    _in_conditions(document, f":us-east-1:{ACCOUNT}:", f":eu-west-3:{ACCOUNT}:")


def _for_another_acl(document: dict[str, Any]) -> None:
    _in_conditions(document, "bucket-owner-full-control", "private")


def _in_conditions(document: dict[str, Any], old: str, new: str) -> None:
    before = copy.deepcopy(document)
    for each in document["Statement"]:
        if "Condition" in each:
            each["Condition"] = json.loads(json.dumps(each["Condition"]).replace(old, new))
    assert document != before


@pytest.mark.parametrize(
    "change",
    [_without_the_write, _without_the_acl_check, _for_another_account, _for_another_region, _for_another_acl],
)
def test_what_the_policy_does_not_allow_is_not_delivered(
    change: Callable[[dict[str, Any]], None], policy: dict[str, Any], stage: Emulator
) -> None:
    flow_log = created(stage)
    narrower = copy.deepcopy(policy)
    change(narrower)
    enforce(stage, narrower)
    (one,) = deliver(stage, seed=1, intervals=1, records=10)
    assert one.error == "Access error"
    assert "does not allow" in str(one.reason)
    assert status(stage, flow_log) == ("FAILED", "Access error")
    assert keys(stage) == []
    assert (totals([one])[flow_log].files, totals([one])[flow_log].refused) == (0, 1)

    # Nor can another one be made.
    refused = create(stage, TrafficType="REJECT")
    assert refused["FlowLogIds"] == []
    told = refused["Unsuccessful"][0]["Error"]["Message"]
    assert told == f"Access Denied for LogDestination: {BUCKET}. Please check LogDestination permission"

    enforce(stage, policy)
    (one,) = deliver(stage, seed=1, intervals=1, records=10)
    assert one.error is None
    assert status(stage, flow_log) == ("SUCCESS", None)
    assert keys(stage) == [one.file.key]


def _if_exists(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the ACL's condition for requests that have an ACL only."""
    loose = copy.deepcopy(document)
    for each in loose["Statement"]:
        acl = each.get("Condition", {}).get("StringEquals", {}).pop("s3:x-amz-acl", None)
        if acl:
            each["Condition"]["StringEqualsIfExists"] = {"s3:x-amz-acl": acl}
    return loose


def _exactly(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the ACL's condition for every request."""
    exact = copy.deepcopy(document)
    for each in exact["Statement"]:
        if acl := each.get("Condition", {}).pop("StringEqualsIfExists", None):
            each["Condition"]["StringEquals"] |= acl
    return exact


@pytest.mark.parametrize("acl", [True, False], ids=["with the ACL", "without an ACL"])
def test_a_condition_on_the_acl_if_there_is_one_takes_both_ways_of_delivery(
    acl: bool, policy: dict[str, Any], stage: Emulator
) -> None:
    enforce(stage, _if_exists(policy))
    flow_log = created(stage)
    with stage.switched("deliver-with-acl", on=acl):
        (one,) = deliver(stage, seed=1, intervals=1, records=10)
    assert one.error is None
    assert status(stage, flow_log) == ("SUCCESS", None)
    assert keys(stage) == [one.file.key]


def test_another_acl_is_denied_by_the_condition_for_one_that_exists(policy: dict[str, Any], stage: Emulator) -> None:
    created(stage)
    private = _if_exists(policy)
    _for_another_acl(private)
    enforce(stage, private)
    (one,) = deliver(stage, seed=1, intervals=1, records=10)
    assert one.error == "Access error"


def test_a_condition_on_exactly_the_acl_denies_delivery_without_one_in_silence(
    policy: dict[str, Any], stage: Emulator
) -> None:
    enforce(stage, _exactly(policy))
    with stage.switched("deliver-with-acl", on=False):
        flow_log = created(stage)  # which reports nothing
        (one,) = deliver(stage, seed=1, intervals=1, records=10)
    assert one.error == "Access error"
    assert status(stage, flow_log) == ("FAILED", "Access error")
    assert keys(stage) == []


def test_creating_a_flow_log_can_replace_the_buckets_policy_with_awss_own(
    policy: dict[str, Any], stage: Emulator
) -> None:
    with stage.switched("attach-bucket-policy", on=True):
        created(stage)
    live = json.loads(stage.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert [each["Sid"] for each in live] == ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"]
    (one,) = deliver(stage, seed=1, intervals=1, records=10)
    assert one.error is None, "AWS's own policy is enough for this flow log"
    enforce(stage, policy)
    with stage.switched("attach-bucket-policy", on=True):
        create(stage, account=OTHER, region="eu-west-1", DestinationOptions=HIVE)
    assert json.loads(stage.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"]) == policy, "not its bucket"


def test_a_switch_that_does_not_exist_is_refused(stage: Emulator) -> None:
    with pytest.raises(Refused, match="no-such-switch: unknown switch"), stage.switched("no-such-switch", on=True):
        raise AssertionError


@pytest.mark.usefixtures("policy")
def test_an_account_that_the_policy_does_not_name_cannot_deliver(stage: Emulator) -> None:
    refused = create(stage, account="444455556666")
    assert refused["FlowLogIds"] == []
    assert "Access Denied for LogDestination" in refused["Unsuccessful"][0]["Error"]["Message"]


@pytest.mark.usefixtures("policy")
def test_delivery_needs_the_right_to_use_the_buckets_key(stage: Emulator, tmp_path: Path) -> None:
    s3, kms = stage.client("s3"), stage.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    encrypted = ('prefix = "net"', f'prefix = "net"\nkms_key_arn = "{key}"')
    text = changed(PREFIX, SECOND)
    statements = policies.key_policy(environment(tmp_path, encrypted, text=text, name="encrypted")).document
    # A key of one's own account lets its owner in.
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
        (one,) = deliver(stage, seed=1, intervals=1, records=10)
        assert (one.error, status(stage, flow_log)[0]) == ("Access error", "FAILED")
        assert "kms:GenerateDataKey" in str(one.reason)
        document = {**statements, "Statement": [owner, *statements["Statement"]]}
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
        (one,) = deliver(stage, seed=1, intervals=1, records=10)
        assert one.error is None
        assert s3.head_object(Bucket=BUCKET, Key=one.file.key)["SSEKMSKeyId"] == key
        # A key id, and not its ARN, in the bucket's encryption: flow logs cannot use it.
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = key.rpartition("/")[2]
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
        refused = create(stage, TrafficType="REJECT")["Unsuccessful"][0]["Error"]["Message"]
        assert refused == f"LogDestination: {BUCKET} is undeliverable"
    finally:
        s3.delete_bucket_encryption(Bucket=BUCKET)


@pytest.mark.usefixtures("policy")
def test_a_delivered_object_is_an_ordinary_one_and_the_bucket_owners(stage: Emulator) -> None:
    created(stage)
    (one,) = deliver(stage, seed=1, intervals=1, records=10)
    told = stage.client("s3").head_object(Bucket=BUCKET, Key=one.file.key)
    assert told["ContentLength"] == one.file.size
    assert told["ContentType"] == "application/octet-stream"
    assert abs(told["LastModified"].timestamp() - time.time()) < 60


@pytest.mark.usefixtures("policy")
def test_continuous_delivery_follows_the_flow_logs_that_exist(stage: Emulator) -> None:
    began = time.time()
    first = created(stage)
    with delivering(stage, seed=1, every=0.3, records=20) as delivery:
        until(lambda: counts(delivery.delivered)[first] >= 2)
        second = created(stage, TrafficType="REJECT")
        until(lambda: counts(delivery.delivered)[second] >= 2)
        stage.client("ec2").delete_flow_logs(FlowLogIds=[first])
        # One file of it may be under way.
        until(lambda: counts(delivery.delivered[-2:])[first] == 0)
        there = counts(delivery.delivered)[first]
        until(lambda: counts(delivery.delivered)[second] >= 6)
        assert counts(delivery.delivered)[first] == there
    found = totals(delivery.delivered)
    assert sorted(keys(stage)) == sorted(key for each in found.values() for key in each.keys)
    for one in delivery.delivered:
        assert one.file.first_end
        assert one.file.last_end
        assert began - 5 < one.file.first_end <= one.file.last_end <= time.time()


def counts(delivered: list[Delivered]) -> Counter[str]:
    return Counter(one.flow_log.id for one in delivered)


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_ends_continuous_delivery_is_raised(tmp_path: Path) -> None:
    gone = Emulator(
        url="https://127.0.0.1:9",
        certificate=certificate.make(tmp_path).file,
        account=ACCOUNT,
        region="us-east-1",
        folder=tmp_path,
        secret="x",
    )

    def wait_for_its_end() -> None:
        with delivering(gone, seed=1, every=0.1) as delivery:
            until(lambda: not delivery.is_alive())

    with pytest.raises(OSError, match="refused"):
        wait_for_its_end()
