"""Support for every AWS partition that botocore lists: in environment files, job parameters and documents."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore
import pytest

from infra.config import EnvironmentFileError, warnings_of
from infra.environment import partitions
from infra.review.__main__ import review
from tests.support.environment_files import FULL, NO_WORKSPACE, SIMPLE, environment
from vpc_flow_logs.logs_path import logs_path_problem
from vpc_flow_logs.parameters import region_problem

_DATA = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
_REGIONS = [
    (partition, region)
    for partition in _DATA
    for region in partition["regions"]
    # A pseudo-region for services without regions.
    if not region.endswith("-global")
]


def test_the_partitions_match_botocore() -> None:
    assert [
        (partition.name, partition.dns_suffix, f"^{partition.regions}$") for partition in partitions.PARTITIONS
    ] == [(expected["id"], expected["outputs"]["dnsSuffix"], expected["regionRegex"]) for expected in _DATA]


@pytest.mark.parametrize(("partition", "region"), _REGIONS, ids=[region for _, region in _REGIONS])
def test_every_region_of_botocore_is_accepted(partition: dict[str, Any], region: str) -> None:
    assert partitions.of(region).name == partition["id"]
    assert region_problem(region) is None
    assert logs_path_problem(f"s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/{region}/*") is None
    hive = f"AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region={region}/*"
    assert logs_path_problem(f"s3://flow-logs/{hive}") is None


@pytest.mark.parametrize("region", ["eusc-de-east-1", "cn-north-1", "us-gov-west-1", "us-isof-south-1"])
def test_documents_and_templates_use_the_partition_of_the_region(region: str, tmp_path: Path) -> None:
    partition = partitions.of(region)

    def relocated(text: str) -> str:
        moved = text.replace("arn:aws:", f"arn:{partition.name}:")
        return moved.replace("us-east-1", region).replace("eu-west-1", region)

    changes = [(old, relocated(new)) for old, new in FULL]
    text = "\n".join(review(environment(tmp_path, *changes, text=relocated(SIMPLE))).values())
    assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition.name}
    assert {f"s3.{region}.{partition.dns_suffix}"} == set(re.findall(rf"s3\.{region}\.[a-z.-]+[a-z]", text))
    passed = re.search(r'"iam:PassedToService": (?:"([^"]+)"|\[([^\]]+)\])', text)
    assert passed
    assert f"ec2.{partition.dns_suffix}" in passed[0]
    assert "ec2.amazonaws.com" in passed[0]


@pytest.mark.parametrize("region", ["mars-east-1", "eusc-fr-1", "aws-global"])
def test_a_region_outside_every_partition_is_rejected(region: str, tmp_path: Path) -> None:
    with pytest.raises(
        EnvironmentFileError, match=rf"aws.region: '{region}' is not a valid AWS region,? such as us-east-1"
    ):
        environment(tmp_path, ('region = "us-east-1"', f'region = "{region}"'))


def test_a_misspelled_region_is_unusual_and_every_region_of_botocore_is_not() -> None:
    assert [region for _, region in _REGIONS if not partitions.is_usual(region)] == []
    assert not partitions.is_usual("eu-centrl-1")


def test_a_misspelled_region_causes_a_warning(tmp_path: Path) -> None:
    loaded = environment(tmp_path, NO_WORKSPACE, ('region = "us-east-1"', 'region = "us-eats-1"'))
    assert any(
        text.startswith('aws.region: "us-eats-1" does not look like an AWS region') for text in warnings_of(loaded)
    )
