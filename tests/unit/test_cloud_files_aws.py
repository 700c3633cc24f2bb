"""The parts of bucket streams that need no AWS: options, selections, overlaps and the stream's state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.cloud_files import register_for
from local.cloud_files.behavior import Behavior
from local.cloud_files.error import CloudFilesError
from local.cloud_files.options import Options
from local.cloud_files.overlaps import described, overlapping
from local.cloud_files.pattern import Pattern
from local.cloud_files.resources import tags
from local.cloud_files.selection import Selection
from local.cloud_files.stream_state import NAME, StateFile
from local.encoded_keys import encoded

BUCKET = {"cloudFiles.format": "binaryFile", "path": "s3://bucket/AWSLogs"}
ON = {**BUCKET, "cloudFiles.useNotifications": "true"}
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/name"


def test_the_options_of_a_stream_with_notifications_are_parsed() -> None:
    text_options = {
        **ON,
        "cloudFiles.region": "us-east-1",
        "cloudFiles.queueUrl": QUEUE,
        "cloudFiles.backfillInterval": "1 day",
        "cloudFiles.fetchParallelism": "2",
        "cloudFiles.resourceTag.owner": "network team",
        "cloudFiles.resourceTag.cost-center": "12",
        "cloudFiles.useManagedFileEvents": "if_available",
    }
    options = Options.parse(text_options)
    assert options == Options(
        path="s3://bucket/AWSLogs",
        notifications=True,
        queue_url=QUEUE,
        region="us-east-1",
        backfill=86_400,
        fetch_parallelism=2,
        tags=(("cost-center", "12"), ("owner", "network team")),
    )
    assert options.bucket == "bucket"


def test_the_region_of_a_queue_is_optional_and_is_checked_only_with_validation() -> None:
    with_queue = {**ON, "cloudFiles.queueUrl": QUEUE}
    for region in ({}, {"cloudFiles.region": "us-east-1"}):
        assert Options.parse({**with_queue, **region}).queue_url == QUEUE
    other_region = {**with_queue, "cloudFiles.region": "eu-west-1"}
    assert Options.parse({**other_region, "cloudFiles.validateOptions": "false"}).region == "eu-west-1"
    stage = {**ON, "cloudFiles.queueUrl": "https://127.0.0.1:4566/123456789012/name", "cloudFiles.region": "eu-west-1"}
    assert Options.parse(stage).region == "eu-west-1", "this URL does not name a region"


@pytest.mark.parametrize(("text", "size"), [("1g", 2**30), ("10m", 10 * 2**20), ("1024", 1024), ("512kb", 2**19)])
def test_the_limits_that_the_job_sets_are_supported(text: str, size: int) -> None:
    restrict = "cloudFiles.restrictNotificationSetupToSameAWSAccountId"
    options = Options.parse({**ON, "cloudFiles.maxBytesPerTrigger": text, restrict: "true"})
    assert (options.max_bytes, options.same_account) == (size, True)


def test_a_folder_has_no_notifications() -> None:
    options = Options.parse({**ON, "path": "/in"})
    assert (options.notifications, options.bucket) == (False, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 day", 86_400), ("30 minutes", 1800), ("interval 1 hour 30 seconds", 3630), ("2  WEEKS", 1_209_600)],
)
def test_an_interval_is_converted_to_seconds(text: str, seconds: int) -> None:
    assert Options.parse({**ON, "cloudFiles.backfillInterval": text}).backfill == seconds


TAGS = r"\[CF_EVENT_NOTIFICATION_SETUP_FAILED.INVALID_RESOURCE_TAGS\] .*"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({**ON, "cloudFiles.backfillInterval": "daily"}, "must be an interval such as"),
        ({**ON, "cloudFiles.backfillInterval": "1 month"}, "must be an interval such as"),
        ({**ON, "cloudFiles.backfillInterval": "0 days"}, "must be an interval such as"),
        ({**ON, "cloudFiles.fetchParallelism": "0"}, "whole number of at least 1"),
        ({**BUCKET, "cloudFiles.queueUrl": QUEUE}, "requires cloudFiles.useNotifications = true"),
        ({**ON, "cloudFiles.queueUrl": "arn:aws:sqs:us-east-1:123456789012:name"}, "not an ARN"),
        ({**ON, "cloudFiles.queueUrl": QUEUE, "cloudFiles.region": "eu-west-1"}, "is in us-east-1; remove"),
        ({**ON, "cloudFiles.restrictNotificationSetupToSameAWSAccountId": "1"}, "must be true or false"),
        ({**ON, "cloudFiles.useManagedFileEvents": "true"}, "there is no Unity Catalog here"),
        ({**ON, "cloudFiles.useManagedFileEvents": "yes"}, "must be false or if_available"),
        ({**ON, "cloudFiles.instanceProfile": "x"}, "unknown options: cloudfiles.instanceprofile"),
        ({**ON, "cloudFiles.resourceTag.vendor": "x"}, TAGS + "the key is reserved for Auto Loader"),
        ({**ON, "cloudFiles.resourceTag.streamid": "x"}, TAGS + "the key is reserved for Auto Loader"),
        ({**ON, "cloudFiles.resourceTag.aws:x": "x"}, TAGS + "are reserved for AWS"),
        ({**ON, "cloudFiles.resourceTag.a": "*"}, TAGS + "must have only letters"),
        ({**ON, "cloudFiles.resourceTag.": "x"}, TAGS + "1 to 128 characters"),
        ({**ON, "cloudFiles.resourceTag.a": "x" * 257}, TAGS + "a value at most 256"),
        ({**ON, **{f"cloudFiles.resourceTag.t{n}": "x" for n in range(47)}}, TAGS + "AWS allows 50"),
    ],
)
def test_an_invalid_or_unsupported_option_is_rejected(options: dict[str, str], message: str) -> None:
    with pytest.raises(CloudFilesError, match=message):
        Options.parse(options)


def test_tags_have_only_characters_and_lengths_that_aws_allows() -> None:
    resource_tags = tags(
        stream="1-2", path="s3://b/AWSLogs/*/vpcflowlogs/{a,b}", checkpoint="/Volumes/a~b/" + "x" * 300
    )
    assert resource_tags["path"] == "s3://b/AWSLogs/_/vpcflowlogs/_a_b_"
    assert resource_tags["checkpointLocation"] == "/Volumes/a_b/" + "x" * 243
    assert (resource_tags["vendor"], resource_tags["streamId"]) == ("Databricks", "1-2")


# Selections


@pytest.mark.parametrize(
    ("path", "key", "accepted"),
    [
        ("/b/AWSLogs", "/b/AWSLogs/1/vpcflowlogs/x_vpcflowlogs_y", True),
        ("/b/AWSLogs", "/b/AWSLogs2/x_vpcflowlogs_y", False),
        ("/b/AWSLogs", "/b/AWSLogs/_temporary/x_vpcflowlogs_y", False),
        ("/b/AWSLogs", "/b/AWSLogs/1/.x_vpcflowlogs_y", False),
        ("/b/AWSLogs", "/b/AWSLogs/1/x_elasticloadbalancing_y", False),
        ("/b/_p/AWSLogs", "/b/_p/AWSLogs/x_vpcflowlogs_y", True),
        ("/b/AWSLogs/*/vpcflowlogs/*", "/b/AWSLogs/1/vpcflowlogs/eu/x_vpcflowlogs_y", True),
        ("/b/AWSLogs/*/vpcflowlogs/*", "/b/AWSLogs/1/_x/vpcflowlogs/eu/x_vpcflowlogs_y", False),
        ("/b/AWSLogs/_x*", "/b/AWSLogs/_xy/x_vpcflowlogs_y", True),
    ],
)
def test_a_selection_accepts_keys_by_the_rules_of_a_folder_listing(path: str, key: str, accepted: bool) -> None:
    assert Selection(Pattern(path), glob_filter="*_vpcflowlogs_*").takes(key) is accepted


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/b/AWSLogs", "/b/AWSLogs/"),
        ("/b/AWSLogs/", "/b/AWSLogs/"),
        ("/b", "/b/"),
        ("/b/AWSLogs/*/vpcflowlogs/*/*", "/b/AWSLogs/"),
        ("/b/AWSLogs/12*", "/b/AWSLogs/12"),
        ("/b/AWSLogs/{1,2}", "/b/AWSLogs/"),
    ],
)
def test_the_prefix_ends_before_the_first_wildcard(path: str, prefix: str) -> None:
    assert Pattern(path).prefix == prefix


# Overlaps


def notification(*events: str, prefix: str | None = None, suffix: str | None = None) -> dict[str, Any]:
    rules = [{"Name": name, "Value": value} for name, value in (("Prefix", prefix), ("Suffix", suffix)) if value]
    configuration: dict[str, Any] = {"Id": "x", "TopicArn": "arn", "Events": list(events)}
    return {**configuration, "Filter": {"Key": {"FilterRules": rules}}} if rules else configuration


OWN = notification("s3:ObjectCreated:*", prefix="AWSLogs/1/")


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (notification("s3:ObjectCreated:*"), True),
        (notification("s3:ObjectCreated:Put", prefix="AWSLogs/"), True),
        (notification("s3:ObjectCreated:*", prefix="AWSLogs/1/vpcflowlogs/"), True),
        (notification("s3:ObjectRemoved:*", "s3:ObjectCreated:Copy", prefix="A"), True),
        (notification("s3:ObjectCreated:*", prefix="AWSLogs/", suffix=".gz"), True),
        (notification("s3:ObjectRemoved:*", prefix="AWSLogs/1/"), False),
        (notification("s3:ObjectCreated:*", prefix="AWSLogs/2/"), False),
        (notification("s3:ObjectCreated:*", prefix="AWSLogs/12"), False),
    ],
)
def test_notifications_overlap_if_their_events_prefixes_and_suffixes_do(other: dict[str, Any], overlaps: bool) -> None:
    assert (overlapping(OWN, [other]) is other) is overlaps


@pytest.mark.parametrize(
    ("own_prefix", "other_prefix"), [("team%3Dnet/", "team=net/AWSLogs/"), ("team=net/", "team%3Dnet/AWSLogs/")]
)
def test_an_encoded_filter_overlaps_a_raw_one_for_the_same_keys(own_prefix: str, other_prefix: str) -> None:
    own = notification("s3:ObjectCreated:*", prefix=own_prefix)
    assert overlapping(own, [notification("s3:ObjectCreated:*", prefix=other_prefix)]) is not None
    assert overlapping(own, [notification("s3:ObjectCreated:*", prefix="team%3Dother/")]) is None


@pytest.mark.parametrize(
    ("key", "encoded_key"),
    [
        ("AWSLogs/111122223333/vpcflowlogs/x_1.log.gz", "AWSLogs/111122223333/vpcflowlogs/x_1.log.gz"),
        ("team=net/logs+x@y/AWSLogs/", "team%3Dnet/logs%2Bx%40y/AWSLogs/"),
        ("a b!-_.*'()", "a+b!-_.*'()"),
        ("ü%", "%C3%BC%25"),
    ],
)
def test_keys_are_encoded_as_in_s3_events(key: str, encoded_key: str) -> None:
    assert encoded(key) == encoded_key


def test_settings_are_read_from_arguments_and_variables_and_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOUD_FILES_EMPTY_PREFIX", "raises")
    assert Behavior.chosen(empty_prefix=None, notification_filter=None) == Behavior(empty_prefix="raises")
    assert Behavior.chosen(empty_prefix="waits", notification_filter="encoded") == Behavior(
        notification_filter="encoded"
    )
    with pytest.raises(CloudFilesError, match=r"CLOUD_FILES_EMPTY_PREFIX = 'ends': must be waits or raises"):
        Behavior.chosen(empty_prefix="ends", notification_filter=None)


def test_notifications_with_different_suffixes_do_not_overlap() -> None:
    own = notification("s3:ObjectCreated:*", suffix=".log.gz")
    assert overlapping(own, [notification("s3:ObjectCreated:*", suffix=".parquet")]) is None
    assert overlapping(own, [notification("s3:ObjectCreated:*", suffix=".gz")]) is not None
    assert described(own) == "x to arn (prefix '', suffix '.log.gz')"


# The state of a stream


def test_a_checkpoint_that_is_not_on_this_machine_is_rejected() -> None:
    with pytest.raises(CloudFilesError, match="checkpoint 's3://b/c': not on this machine"):
        register_for(None, checkpoint="s3://b/c")  # type: ignore[arg-type]


def test_a_restarted_stream_keeps_its_state_and_can_forget_its_queue(tmp_path: Path) -> None:
    first = StateFile(tmp_path)
    first.listed(queue="arn", at=5.0)
    restarted = StateFile(tmp_path)
    assert restarted.state == first.state
    restarted.forget()
    assert (StateFile(tmp_path).state.queue, StateFile(tmp_path).state.stream) == (None, first.state.stream)


def test_a_damaged_state_is_reported_with_its_file(tmp_path: Path) -> None:
    StateFile(tmp_path)
    (tmp_path / NAME).write_text("{")
    with pytest.raises(CloudFilesError, match=r"stream.json: the state of the stream is damaged"):
        StateFile(tmp_path)


def test_a_folder_can_be_streamed_without_boto3(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("x")
    code = f"""
import sys
sys.modules["boto3"] = sys.modules["botocore"] = None
from pathlib import Path
from local.cloud_files import content, register
from local.cloud_files.intake import Intake
from local.cloud_files.options import Options
intake = Intake.open(Options(path={str(tmp_path / "in")!r}), state=Path({str(tmp_path / "state")!r}))
files = intake.files(0, intake.latest(0))
print(list(content.batches(file.path for file in files))[0].num_rows)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("1\n", "")
