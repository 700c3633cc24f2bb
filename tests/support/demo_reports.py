"""A demo report with content in every section, for the tests of the page."""

from __future__ import annotations

from datetime import datetime, timezone

from local.answers.result import Result, of_answer
from local.demo.check import TableCounts
from local.demo.manifest import FlowLogNote
from local.demo.report import (
    Deployed,
    Entry,
    FlowLogResult,
    Lookup,
    Mark,
    Minute,
    Port,
    Report,
    Resource,
    Step,
)
from vpc_flow_logs.answers.catalog import catalog

FILE = "000000000000_vpcflowlogs_us-east-1_fl-1_20261124T2335Z_17690ef6.log.gz"
NOON = 1_790_000_040 // 60 * 60

VPC = FlowLogResult(
    FlowLogNote("fl-1", "VPC vpc-1", "14 fields, default format, text", 12, 1000, 7, 90, 5_000_000),
    TableCounts(rows=993, accepted=900, rejected=90, bytes=5_000_000, quarantined=7),
)
SUBNET = FlowLogResult(
    FlowLogNote("fl-2", "subnet subnet-1", "29 fields, custom format, text", 4, 200, 0, 20, 1_000_000),
    TableCounts(rows=200, accepted=180, rejected=20, bytes=1_000_000, quarantined=0),
)


def answer(name: str, *rows: tuple[str | int | None, ...]) -> Result:
    """Return an answer of the catalog with these rows."""
    (chosen,) = (each for each in catalog() if each.name == name)
    return of_answer(chosen, "flow_logs", rows)


REPORT = Report(
    created_at=datetime(2026, 11, 25, tzinfo=timezone.utc),
    seed=7,
    deployed=Deployed(
        stack="vpc-flow-logs-local",
        environment="environments/local.toml",
        resources=(Resource("AWS::S3::Bucket", "Logs", "flow-logs-local"),),
        outputs={"BucketName": "flow-logs-local", "Table": "flow_logs"},
        job={"name": "vpc-flow-logs-local", "id": "1017"},
        auto_loader={"SNS topic": "databricks-auto-ingest-1", "SQS queue": "databricks-auto-ingest-1"},
    ),
    flow_logs=(VPC, SUBNET),
    steps=(Step("cdk deploy", 40.0), Step("cdk destroy", 20.0)),
    # 1,193 rows in total, 110 of them rejected: the sums of the two flow logs.
    minutes=(
        *(Minute(NOON + 60 * place, 25, 3, 9_000, 400) for place in range(29)),
        Minute(NOON + 60 * 29, 358, 23, 9_000, 400),
    ),
    marks=(Mark(NOON + 610.0, "continuous traffic starts"), Mark(NOON + 900.0, "second cdk deploy")),
    answers=(
        answer("top_talkers", ("10.0.1.20", 300, 4_000, 4_000_000), ("10.0.2.20", 200, 2_000, 2_000_000)),
        answer("rejected_sources", ("198.51.100.7", 9, 12, 60, 61, 2_440)),
    ),
    ports=(Port(443, 6, 600, 3), Port(3389, 6, 0, 80), Port(53, 17, 50, 0)),
    quarantine=(Entry(FILE, 56, 7, "damaged gzip: the file is truncated", "2 123456789012 eni-0a"),),
    damaged={FILE: "cut off at 60% of its length"},
    lags=(1.5, 2.5, 9.0),
    lookups=(Lookup("reader role", "flow-log-reader-local"), Lookup("job", "vpc-flow-logs-local")),
    versions={"Python": "3.11.7", "Spark": "4.2.0"},
)
