"""ARNs: their parts, and the text that the parts give."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.workspace.aws.arn import Arn

QUEUE = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:flow-logs"


def test_parse_returns_the_parts() -> None:
    assert Arn.parse(QUEUE) == Arn(
        partition="aws-us-gov", service="sqs", region="us-gov-west-1", account="111122223333", resource="flow-logs"
    )


@pytest.mark.parametrize(
    "text",
    [
        QUEUE,
        "arn:aws:s3:::bucket/AWSLogs/",
        "arn:aws:iam::111122223333:role/path/reader",
        "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/reader:*",
        "arn:aws-cn:logs:cn-north-1:111122223333:*",
    ],
)
def test_a_parsed_arn_has_the_same_text(text: str) -> None:
    assert str(Arn.parse(text)) == text


def test_region_and_account_are_empty_by_default() -> None:
    assert str(Arn(partition="aws", service="s3", resource="bucket")) == "arn:aws:s3:::bucket"


def test_a_resource_keeps_its_colons() -> None:
    arn = Arn.parse("arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/staging-AbCdEf")
    assert arn.resource == "secret:databricks/staging-AbCdEf"


def test_a_changed_part_changes_only_that_part() -> None:
    assert str(replace(Arn.parse(QUEUE), service="sns")) == QUEUE.replace(":sqs:", ":sns:")


@pytest.mark.parametrize("text", ["", "PendingConfirmation", "arn:aws:s3", "urn:aws:s3:::bucket", "role/reader"])
def test_a_text_that_is_not_an_arn_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not an ARN"):
        Arn.parse(text)
