"""The probe's report identifies no one, and the run's printed answers are read back unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.probe import masking, read_back, report
from infra.probe.masking import Mask, names_of
from tests.support.environment_files import FULL, environment
from vpc_flow_logs import probe_aws, probe_run
from vpc_flow_logs.answer import Answer, answers_in, holds, line

PLANTED = [
    "111122223333",
    "999988887777",
    "flow-logs-bucket",
    "flow-log-reader",
    "databricks-cross-account",
    "databricks/test-AbCdEf",
    "vpc-0123456789abcdef0",
    "subnet-01234567",
    "01234567-89ab-cdef-0123-456789abcdef",
    "network",
    "lake",
    "example.cloud.databricks.com",
    "dbc-1a2b3c4d-5e6f.cloud.databricks.com",
    "dbc-1a2b3c4d-5e6f",
    "https://user:hunter2@proxy.example.com:3128",
    "jane.doe@example.com",
    "oncall@example.co.uk",
    "6543210987654321",
    "10.23.45.67",
    "ip-10-23-45-67.ec2.internal",
    "0101-120000-abcd1234",
    "i-0fedcba9876543210",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "dapi" + "0123456789abcdef0123456789abcdef",
    "dose" + "0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJSUzI1NiJ9" + ".eyJzdWIiOiJqYW5lIn0" + ".c2lnbmF0dXJl",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345",
    "acme-logs-111122223333",
    "acme_workspace",
    "acme-landing-zone",
]

TEXTS = [
    "{}",
    "User: arn:aws:sts::111122223333:assumed-role/{}/i-0fedcba9876543210 is not authorized",
    "[SCHEMA_NOT_FOUND] The schema `{}`.`flow_logs` cannot be found.",
    "s3://{}/AWSLogs/: Access Denied",
    'Catalog "{}" does not exist; token={}',
    "a\n  at {}(Native Method)\n",
    "job_clusters[0].new_cluster.aws_attributes.instance_profile_arn = arn:aws:iam::111122223333:instance-profile/{}",
]


@pytest.fixture
def mask(tmp_path: Path) -> Mask:
    names = {**names_of(environment(tmp_path, *FULL)), **names_of(environment(tmp_path))}
    workspace_names = {"acme-landing-zone": "<external location>", "acme-logs-111122223333": "<bucket>"}
    return Mask({**names, **workspace_names, "acme_workspace": "<catalog>"})


@pytest.mark.parametrize("planted", PLANTED)
def test_the_report_contains_no_identifier(mask: Mask, planted: str) -> None:
    facts = tuple(text.replace("{}", planted) for text in TEXTS)
    answers = [Answer("a question", state, facts) for state in ("holds", "does not hold", "seen", "not asked")]  # type: ignore[arg-type]
    text = report.markdown(answers, version="0.1.0", when="2026-11-27 23:00 UTC", mask=mask)
    assert planted.lower() not in text.lower()
    for part in ("jane", "hunter2", "111122223333"):
        assert part not in text


@pytest.mark.parametrize(
    "text",
    [
        "Spark 4.1.0, Python 3.12.3, Java 21.0.4, Databricks Runtime 18.2",
        "spark.sql.execution.arrow.maxRecordsPerBatch = 256",
        "[NO_PARENT_EXTERNAL_LOCATION_FOR_PATH] No parent external location was found",
        "CF_EVENT_NOTIFICATION_SETUP_FAILED.PERMISSION_DENIED",
        "sqs:GetQueueAttributes is denied (no identity-based policy allows the sqs:getqueueattributes action)",
        "to sns, of Auto Loader, for s3:ObjectCreated:*, filter: prefix raw with '=', different from the load path",
        "20000 of 20000 rows",
        "node_type_id = m6gd.xlarge, us-east-1c, availability SPOT_WITH_FALLBACK",
    ],
)
def test_facts_that_identify_no_one_stay_in_the_report(mask: Mask, text: str) -> None:
    assert mask(text) == text


def test_a_name_is_masked_as_a_whole_word_in_upper_and_lower_case(mask: Mask) -> None:
    assert mask("Catalog NETWORK and networking") == "Catalog <table> and networking"


def test_the_keys_and_values_of_tags_are_masked(tmp_path: Path) -> None:
    change = ("[workspace.cluster]", '[workspace.cluster]\ntags = { costcenter = "skunkworks" }')
    names = names_of(environment(tmp_path, change))
    assert {"costcenter", "skunkworks"} <= set(names)
    assert "m6gd.large" not in names


def test_the_report_lists_each_answer_with_its_facts_under_its_state(mask: Mask) -> None:
    answers = [holds("Spark writes there", True), holds("Python writes there", False, "PermissionError: [Errno 1]")]
    text = report.markdown(answers, version="0.1.0", when="now", mask=mask)
    holds_at, fails_at = text.index("## Holds"), text.index("## Does not hold")
    assert fails_at < text.index("**Python writes there**") < text.index("PermissionError: [Errno 1]") < holds_at
    assert text.index("**Spark writes there**") > holds_at
    assert "- Does not hold: 1\n- Holds: 1\n- Seen: 0\n- Not asked: 1\n" in text
    assert "the job does not use it" in text


def test_facts_cannot_end_their_code_block(mask: Mask) -> None:
    text = report.markdown([holds("q", False, "```\n# a heading\x1b[2J")], version="0.1.0", when="now", mask=mask)
    assert "```text\n'''\\n# a heading\\x1b[2J\n```" in text


def test_answers_are_read_from_mixed_output_and_incomplete_lines_are_skipped() -> None:
    answers = [holds("ü", True, "a\nb", '"quoted"'), Answer("seen", "seen")]
    output = "\n".join(["noise", *map(line, answers), "answer: no JSON", line(answers[0])[:20], "answer: {}"])
    assert answers_in(output) == answers
    assert all("\n" not in line(answer) for answer in answers)


def test_settings_that_the_workspace_adds_changes_or_omits_are_reported_separately() -> None:
    sent = {"name": "a", "tasks": [{"key": "k", "retries": 1}], "mails": [], "gone": 1}
    returned = {"name": "a", "tasks": [{"key": "k", "retries": 2, "run_if": "ALL"}], "mails": [], "format": "MULTI"}
    assert read_back.compared(sent, returned) == (
        ["format = MULTI", "tasks[0].run_if = ALL"],
        ["tasks[0].retries = 2, sent 1"],
        ["gone = 1"],
    )
    states = [answer.state for answer in read_back.answers(sent, returned)]
    assert states == ["seen", "does not hold", "seen"]
    assert read_back.answers(sent, sent)[1].state == "holds"


@pytest.mark.parametrize(
    ("arguments", "empty"),
    [
        (["--a=1", "--empty=", "--b=2"], ["--empty="]),
        (["--a=1", "--empty", "--b=2"], ["--empty"]),
        (["--a=1", "--empty", "", "--b=2"], ["--empty", ""]),
        (["--a=1", "--b=2", "--empty"], ["--empty"]),
        (["--a=1", "--b=2"], []),
    ],
)
def test_the_empty_parameter_is_removed_in_every_form(arguments: list[str], empty: list[str]) -> None:
    assert probe_run.without_empty(arguments) == (["--a=1", "--b=2"], empty)


def test_the_answer_to_a_question_that_fails_is_its_error() -> None:
    def ask() -> list[Answer]:
        raise RuntimeError("no such thing")

    assert list(probe_run.answers_to("it works", ask)) == [
        Answer("it works", "does not hold", ("RuntimeError: no such thing",))
    ]


@pytest.mark.parametrize(
    ("value", "description"),
    [
        ("AWSLogs/1/", "'AWSLogs/1/' (raw, the load path up to its first wildcard)"),
        ("AWSLogs/", "'AWSLogs/' (raw, wider than the load path)"),
        ("other/", "'other/' (raw, different from the load path)"),
        ("team%3Dnet/", "'team%3Dnet/' (percent-encoded, different from the load path)"),
    ],
)
def test_a_filter_is_reported_with_its_spelling_and_its_relation_to_the_load_path(value: str, description: str) -> None:
    entry = {
        "TopicArn": "arn:aws:sns:us-east-1:1:databricks-auto-ingest-1",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": value}]}},
    }
    assert probe_aws._described(entry, entry["TopicArn"], "AWSLogs/1") == (  # type: ignore[arg-type]
        f"to sns, of Auto Loader, for s3:ObjectCreated:*, filter: prefix {description}"
    )


def test_a_printed_answer_is_json_that_keeps_placeholders() -> None:
    assert json.loads(line(Answer("q", "seen", ("<account>",))).partition(" ")[2])["facts"] == ["<account>"]


def test_public_words_are_lower_case_except_for_names_from_aws_and_databricks() -> None:
    assert {word for word in masking._PUBLIC_WORDS if word != word.lower()} == {"AWSLogs", "Volumes"}
