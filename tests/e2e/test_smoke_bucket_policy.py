"""The smoke test's check of the bucket policy, on an AWS that enforces policies and may replace this one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.iam import policies
from infra.smoke.bucket_policy import ObservedPolicy, observe
from infra.workspace.errors import DeploymentError
from local.aws import Credentials, Emulator, running
from tests.support.environment_files import environment
from tests.support.ministack import role

_BUCKET = "flow-logs-bucket"
_EXISTING = ('"flow-logs-bucket"', '"flow-logs-bucket"\nexisting = true')

SignIn = Callable[..., None]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("aws"), account="111122223333") as emulator:
        emulator.client("s3").create_bucket(Bucket=_BUCKET)
        # S3 accepts a role in a policy only if the role exists.
        role(emulator, "flow-log-reader", {})
        yield emulator


@pytest.fixture
def signed_in(stage: Emulator, monkeypatch: pytest.MonkeyPatch) -> SignIn:
    """Point boto3 at the stage; return a function that changes the caller."""

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
    return test, tuple(statement["Sid"] for statement in document["Statement"])


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("changes", [[], [_EXISTING]], ids=["the stack's bucket", "an existing bucket"])
def test_a_bucket_policy_replaced_by_creating_a_flow_log_is_reported(
    stage: Emulator, tmp_path: Path, changes: list[tuple[str, str]]
) -> None:
    test, reviewed = _deployed(stage, tmp_path, *changes)
    assert observe(test) == ObservedPolicy(reviewed=reviewed)
    with stage.switched("attach-bucket-policy", on=True):
        flow_logs = stage.client("ec2").create_flow_logs(
            ResourceType="VPC",
            ResourceIds=["vpc-0123456789abcdef0"],
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination=f"arn:aws:s3:::{_BUCKET}",
        )
    stage.client("ec2").delete_flow_logs(FlowLogIds=flow_logs["FlowLogIds"])
    # AWS's delivery statements can equal ours; the statements on plain http and for the reader are missing.
    unlike_aws = {sid for sid in reviewed if not sid.startswith("AWSLogDelivery")}
    assert unlike_aws
    assert unlike_aws <= set(observe(test).missing)


@pytest.mark.usefixtures("signed_in")
def test_a_missing_policy_and_a_missing_bucket_are_reported(stage: Emulator, tmp_path: Path) -> None:
    test, reviewed = _deployed(stage, tmp_path)
    stage.client("s3").delete_bucket_policy(Bucket=_BUCKET)
    assert observe(test) == ObservedPolicy(reviewed=reviewed, missing=reviewed)
    assert observe(environment(tmp_path, (_BUCKET, "no-such-bucket"), name="other")) == ObservedPolicy(exists=False)


def test_permission_to_read_the_policy_is_needed_and_sufficient(
    stage: Emulator, tmp_path: Path, signed_in: SignIn
) -> None:
    test, reviewed = _deployed(stage, tmp_path)
    signed_in(role(stage, "nobody", {}))
    with pytest.raises(DeploymentError, match="Reading the policy of the log bucket: AWS rejected the request"):
        observe(test)
    statement = {"Effect": "Allow", "Action": "s3:GetBucketPolicy", "Resource": f"arn:aws:s3:::{_BUCKET}"}
    reader = role(stage, "reads-policies", {"read": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    signed_in(reader)
    assert observe(test) == ObservedPolicy(reviewed=reviewed)
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.client("s3", reader).list_objects_v2(Bucket=_BUCKET)
