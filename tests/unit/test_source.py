"""Options of Auto Loader for each of the three notification modes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.cloud_files.options import Options
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.source import reader_options

pytestmark = pytest.mark.lts

PARAMETERS = Parameters(
    vpc_logs_path="s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
    delta_output_path="",
    checkpoint_path="s3://lake-1/checkpoint",
    table_name="flow_logs",
    region_name="eu-central-1",
    headers=("version",),
)
ALWAYS = {
    "cloudFiles.format": "binaryFile",
    "cloudFiles.includeExistingFiles": "true",
    "cloudFiles.validateOptions": "true",
    "cloudFiles.partitionColumns": "",
    "cloudFiles.maxBytesPerTrigger": "1g",
    "recursiveFileLookup": "true",
}
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/flow-logs"


def test_auto_loader_creates_notifications_in_the_region_and_lists_once_a_day() -> None:
    assert reader_options(PARAMETERS) == {
        **ALWAYS,
        "cloudFiles.useNotifications": "true",
        "cloudFiles.region": "eu-central-1",
        "cloudFiles.restrictNotificationSetupToSameAWSAccountId": "true",
        "cloudFiles.backfillInterval": "1 day",
    }


def test_a_given_queue_is_read_with_daily_backfills_and_without_a_region() -> None:
    assert reader_options(replace(PARAMETERS, notifications="queue", queue_url=QUEUE)) == {
        **ALWAYS,
        "cloudFiles.useNotifications": "true",
        "cloudFiles.backfillInterval": "1 day",
        "cloudFiles.queueUrl": QUEUE,
    }


def test_without_notifications_the_folder_is_only_listed() -> None:
    assert reader_options(replace(PARAMETERS, notifications="off")) == {
        **ALWAYS,
        "cloudFiles.useNotifications": "false",
        "cloudFiles.useManagedFileEvents": "false",
    }


def test_the_batch_limit_is_passed_to_auto_loader() -> None:
    options = reader_options(replace(PARAMETERS, max_files_per_batch=7))
    assert options["cloudFiles.maxFilesPerTrigger"] == "7"
    assert "cloudFiles.maxFilesPerTrigger" not in reader_options(PARAMETERS)


@pytest.mark.parametrize(
    ("path", "name_filter"),
    [
        ("s3://flow-logs/AWSLogs/*", "*_vpcflowlogs_*"),
        ("s3://flow-logs/p/AWSLogs", "*_vpcflowlogs_*"),
        ("s3://flow-logs/AWSLogs/*/vpcflowlogs/*/*", None),
        ("/data/logs", None),
    ],
)
def test_only_flow_log_files_are_read_below_a_shared_folder(path: str, name_filter: str | None) -> None:
    assert reader_options(replace(PARAMETERS, vpc_logs_path=path)).get("pathGlobFilter") == name_filter


@pytest.mark.parametrize("mode", ["auto-loader", "off"])
def test_auto_loader_accepts_every_option(mode: str) -> None:
    given = reader_options(replace(PARAMETERS, notifications=mode, max_files_per_batch=3))
    options = Options.parse({**given, "path": "/data/logs"})
    assert (options.include_existing, options.max_files) == (True, 3)
