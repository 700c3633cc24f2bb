"""The look at the bucket's policy, on an AWS that checks every call and may replace the policy itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.iam import policies
from infra.smoke.bucket_policy import PolicySeen, look
from infra.workspace.errors import DeploymentError
from local.aws import Credentials, Emulator, running
from tests.support.environment_files import environment
from tests.support.ministack import role

_BUCKET = "flow-logs-bucket"
_EXISTING = ('"flow-logs-bucket"', '"flow-logs-bucket"\nexisting = true')

SignIn = Callable[..., None]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account="111122223333") as found:
        found.client("s3").create_bucket(Bucket=_BUCKET)
        # S3 takes a role in a policy only while it exists.
        role(found, "flow-log-reader", {})
        yield found


@pytest.fixture
def signed_in(stage: Emulator, monkeypatch: pytest.MonkeyPatch) -> SignIn:
    """Make boto3 find the stage, as a caller."""

    def sign_in(credentials: Credentials | None = None) -> None:
        for name, value in stage.environment(credentials).items():
            monkeypatch.setenv(name, value)

    sign_in()
    return sign_in


def _deployed(stage: Emulator, tmp_path: Path, *changes: tuple[str, str]) -> tuple[Any, tuple[str, ...]]:
    """Give the bucket its policy; return the environment and the Sids of our statements."""
    test = environment(tmp_path, *changes)
    document = json.loads(json.dumps(policies.bucket_policy(test).document))
    stage.client("s3").put_bucket_policy(Bucket=_BUCKET, Policy=json.dumps(document))
    return test, tuple(each["Sid"] for each in document["Statement"])


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("changes", [[], [_EXISTING]], ids=["the stack's bucket", "an existing bucket"])
def test_a_policy_that_creating_a_flow_log_replaced_is_noticed(
    stage: Emulator, tmp_path: Path, changes: list[tuple[str, str]]
) -> None:
    test, ours = _deployed(stage, tmp_path, *changes)
    assert look(test) == PolicySeen(ours=ours)
    with stage.switched("attach-bucket-policy", on=True):
        made = stage.client("ec2").create_flow_logs(
            ResourceType="VPC",
            ResourceIds=["vpc-0123456789abcdef0"],
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination=f"arn:aws:s3:::{_BUCKET}",
        )
    stage.client("ec2").delete_flow_logs(FlowLogIds=made["FlowLogIds"])
    # AWS's own statements may be equal to ours on delivery; what denies plain http and what lets the reader in is gone.
    own = {sid for sid in ours if not sid.startswith("AWSLogDelivery")}
    assert own
    assert own <= set(look(test).missing)


@pytest.mark.usefixtures("signed_in")
def test_a_bucket_without_a_policy_lacks_all_and_one_that_is_gone_is_reported(stage: Emulator, tmp_path: Path) -> None:
    test, ours = _deployed(stage, tmp_path)
    stage.client("s3").delete_bucket_policy(Bucket=_BUCKET)
    assert look(test) == PolicySeen(ours=ours, missing=ours)
    assert look(environment(tmp_path, (_BUCKET, "no-such-bucket"), name="other")) == PolicySeen(exists=False)


def test_the_right_to_read_the_policy_is_needed_and_enough(stage: Emulator, tmp_path: Path, signed_in: SignIn) -> None:
    test, ours = _deployed(stage, tmp_path)
    signed_in(role(stage, "nobody", {}))
    with pytest.raises(DeploymentError, match="Reading the policy of the log bucket: AWS rejected the request"):
        look(test)
    may = {"Effect": "Allow", "Action": "s3:GetBucketPolicy", "Resource": f"arn:aws:s3:::{_BUCKET}"}
    reader = role(stage, "reads-policies", {"read": json.dumps({"Version": "2012-10-17", "Statement": [may]})})
    signed_in(reader)
    assert look(test) == PolicySeen(ours=ours)
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.client("s3", reader).list_objects_v2(Bucket=_BUCKET)
