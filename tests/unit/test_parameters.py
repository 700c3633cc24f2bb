"""Parameters of the job: each rule, and all problems in one message before anything is created."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vpc_flow_logs import main, run
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS
from vpc_flow_logs.headers import headers_problem
from vpc_flow_logs.parameters import (
    OPTIONAL,
    REQUIRED,
    ParameterError,
    Parameters,
    notes_of,
    parameters_of,
    problems_of,
    read,
    region_problem,
    table_name_problem,
)

pytestmark = pytest.mark.lts

GOOD = {
    "vpc-logs-path": "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
    "delta-output-path": "s3://lake-1/flow",
    "checkpoint-path": "s3://lake-1/checkpoint",
    "table-name": "main.security.flow_logs",
    "region-name": "us-east-1",
    "headers": ",".join(DEFAULT_FORMAT),
}
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/flow-logs"
ROOT = Path(__file__).resolve().parents[2]


def arguments(**changes: str | None) -> list[str]:
    """Return valid parameters with some changed or left out (None); names have ``_`` instead of ``-``."""
    values: dict[str, str | None] = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def problems_with(given: list[str]) -> list[str]:
    values, problems = read(given)
    return problems + [f"--{name}: {problem}" for name, problem in problems_of(values).items()]


def parsed(given: list[str]) -> Parameters:
    assert problems_with(given) == []
    return parameters_of(read(given)[0])


def problem_with(name: str, **changes: str | None) -> str:
    """Return the only problem of valid parameters with some changed; assert that it is about ``name``."""
    (problem,) = problems_with(arguments(**changes))
    assert problem.startswith(f"--{name}")
    return problem


def test_valid_parameters_are_read_with_their_defaults() -> None:
    assert parsed(arguments()) == Parameters(
        vpc_logs_path=GOOD["vpc-logs-path"],
        delta_output_path="s3://lake-1/flow",
        checkpoint_path="s3://lake-1/checkpoint",
        table_name="main.security.flow_logs",
        region_name="us-east-1",
        headers=DEFAULT_FORMAT,
        notifications="auto-loader",
        queue_url=None,
        trigger="available-now",
        max_files_per_batch=None,
    )


def test_the_required_and_the_optional_parameters_are_listed() -> None:
    assert REQUIRED == ("vpc-logs-path", "checkpoint-path", "table-name", "region-name", "headers")
    assert OPTIONAL == (
        "delta-output-path", "notifications", "queue-url", "trigger", "interval-seconds", "max-files-per-batch",
        "new-checkpoint", "answers", "names-table",
    )  # fmt: skip


def test_without_a_delta_output_path_the_table_is_managed() -> None:
    assert parsed(arguments(**{"delta-output-path": None})).delta_output_path == ""


def test_a_name_and_its_value_may_be_one_argument_or_two() -> None:
    apart = [part for name, value in GOOD.items() for part in (f"--{name}", value)]
    assert parsed(apart) == parsed(arguments())
    mixed = [*arguments(headers=None), "--headers", GOOD["headers"]]
    assert parsed(mixed) == parsed(arguments())


def test_a_value_may_contain_an_equals_sign() -> None:
    path = "s3://flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/*"
    assert parsed(arguments(vpc_logs_path=path)).vpc_logs_path == path
    given = [*arguments(vpc_logs_path=None), "--vpc-logs-path", path]
    assert parsed(given).vpc_logs_path == path


def test_a_trailing_slash_of_a_path_is_ignored() -> None:
    slashed = arguments(
        vpc_logs_path=GOOD["vpc-logs-path"] + "/",
        delta_output_path="s3://lake-1/flow/",
        checkpoint_path="s3://lake-1/checkpoint//",
    )
    assert parsed(slashed) == parsed(arguments())


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_parameter_is_a_problem(name: str) -> None:
    assert problems_with(arguments(**{name.replace("-", "_"): None})) == [f"--{name} is missing"]


def test_without_parameters_each_required_parameter_is_a_problem() -> None:
    assert problems_with([]) == [f"--{name} is missing" for name in REQUIRED]


def test_an_unknown_name_is_reported_with_the_valid_names() -> None:
    (problem,) = problems_with([*arguments(), "--table=x"])
    assert "--table" in problem
    assert all(f"--{name}" in problem for name in (*REQUIRED, *OPTIONAL))


@pytest.mark.parametrize("argument", ["table-name=x", "x", "", "-t", "--Table-Name=x", "--table_name=x", "--"])
def test_an_invalid_argument_is_reported(argument: str) -> None:
    (problem,) = problems_with([*arguments(), argument])
    assert repr(argument) in problem


def test_an_unquoted_pattern_is_one_problem_with_a_hint() -> None:
    """The shell replaced the pattern with the names of ten files."""
    matched = [f"logs/{number}.log" for number in range(1, 11)]
    given = [*arguments(vpc_logs_path=None), "--vpc-logs-path", "s3://flow-logs/AWSLogs/*", *matched]
    (problem,) = problems_with(given)
    assert problem == (
        "--vpc-logs-path has more than one value, also 'logs/1.log', 'logs/2.log' and 8 more; quote a value "
        "that has wildcards or spaces; otherwise, the shell splits or expands it: --vpc-logs-path '...'"
    )
    given = [*arguments(headers=None), "--headers=version,", "account-id", "--trigger=continuous"]
    problem, *_ = problems_with(given)
    assert problem.startswith("--headers has more than one value, also 'account-id'; ")


def test_a_misspelled_field_in_headers_is_a_note_and_not_a_problem() -> None:
    (note,) = notes_of({"headers": "version, scraddr,dstaddr,my-own-field"})
    assert note.startswith("--headers: 'scraddr' is not a field that AWS documents; did you mean 'srcaddr'? ")
    assert problems_with(arguments(headers="version,scraddr")) == []
    assert notes_of(GOOD) == notes_of({}) == []
    # A name that is listed next to its suggestion is intended.
    assert notes_of({"headers": "asg-tag,asg-tag-2,asg-tag-3"}) == []


def test_an_unknown_name_with_a_separate_value_is_a_problem() -> None:
    assert "'--table' is not a valid parameter" in problems_with([*arguments(), "--table", "x"])[0]


def test_a_duplicate_parameter_is_a_problem_even_with_the_same_value() -> None:
    (problem,) = problems_with([*arguments(), f"--table-name={GOOD['table-name']}"])
    assert problem == "--table-name is given more than once"


@pytest.mark.parametrize("rest", [[], ["--region-name=us-east-1"]])
def test_a_name_without_a_value_is_a_problem(rest: list[str]) -> None:
    given = [*arguments(table_name=None, region_name=None if rest else "us-east-1"), "--table-name", *rest]
    problems = problems_with(given)
    assert problems[0].startswith("--table-name has no value")
    assert all(problem.startswith("--table-name") for problem in problems)


def test_an_empty_delta_output_path_makes_the_table_managed() -> None:
    assert parsed(arguments(delta_output_path="")).delta_output_path == ""
    assert parsed([*arguments(delta_output_path=None), "--delta-output-path", ""]).delta_output_path == ""


@pytest.mark.parametrize("name", REQUIRED)
def test_no_other_value_may_be_empty(name: str) -> None:
    problem_with(name, **{name.replace("-", "_"): ""})


# Table Name


@pytest.mark.parametrize(
    "name", ["flow_logs", "_x", "t1", "security.flow_logs", "main.security.flow_logs", "main.sec-1.t", "a" * 255]
)
def test_a_table_name_may_include_schema_and_catalog(name: str) -> None:
    assert table_name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "1t",
            "Flow",
            "flow-logs",
            "flow logs",
            "flöw",
            "a.b.c.d",
            "a..t",
            ".t",
            "t.",
            "`t`",
            "t;drop",
            "a.b.C",
            "Main.security.flow_logs",
            "main.Security.flow_logs",
            "Security.flow_logs",
        ),
        *("t\n", "a" * 256, "a b.t", "a`b.t"),
    ],
)
def test_an_invalid_table_name_is_reported_with_the_allowed_form(name: str) -> None:
    problem = table_name_problem(name)
    assert problem is not None
    assert repr(name) in problem
    assert "[catalog.][schema.]name" in problem
    assert "lowercase" in problem


# Region


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-5", "il-central-1", "mx-central-1"])
def test_aws_regions_are_valid(region: str) -> None:
    assert region_problem(region) is None


@pytest.mark.parametrize(
    "region", ["", "us", "us-east", "us-east-1a", "US-EAST-1", "*", "us east 1", "us-east-1,eu-west-1"]
)
def test_an_invalid_region_is_a_problem(region: str) -> None:
    assert problem_with("region-name", region_name=region).endswith("is not a valid AWS region such as us-east-1")


# Headers


def test_headers_may_use_the_spelling_of_aws_of_parquet_or_of_the_guide() -> None:
    guide = GOOD["headers"].replace("account-id", "accountid").replace("interface-id", "interfaceid")
    guide = guide.replace("log-status", "logstatus")
    parquet = ",".join(name.replace("-", "_") for name in DEFAULT_FORMAT)
    blanks = ", ".join(name.upper() for name in DEFAULT_FORMAT)
    for headers in (guide, parquet, blanks):
        assert parsed(arguments(headers=headers)).headers == DEFAULT_FORMAT


def test_headers_may_list_every_known_field_and_unknown_ones() -> None:
    names = [field.name for field in FIELDS]
    assert headers_problem(names) is None
    assert parsed(arguments(headers="my_own,srcaddr,other")).headers == ("my-own", "srcaddr", "other")


@pytest.mark.parametrize(
    "duplicates", ["srcaddr,srcaddr", "account-id,account_id", "accountid,account-id", "SrcAddr,srcaddr"]
)
def test_a_duplicate_field_in_headers_is_a_problem_in_any_spelling(duplicates: str) -> None:
    first, second = duplicates.split(",")
    problem = problem_with("headers", headers=f"version,{duplicates}")
    assert repr(second) in problem
    assert repr(first) in problem
    assert "duplicate" in problem


@pytest.mark.parametrize("name", ["event_time", "event-time", "other_fields", "Source-File", "ingested_at"])
def test_headers_cannot_contain_the_name_of_a_service_column(name: str) -> None:
    assert repr(name) in problem_with("headers", headers=f"version,{name}")


@pytest.mark.parametrize("name", ["", "1a", "a b", "a--b", "-a", "a.b", "é", "${srcaddr}"])
def test_an_invalid_field_name_in_headers_is_reported_with_its_position(name: str) -> None:
    problem = problem_with("headers", headers=f"version,{name},srcaddr")
    assert f"name 2, {name!r}" in problem


def test_all_problems_of_headers_are_reported_together() -> None:
    problem = problem_with("headers", headers="srcaddr,9x,srcaddr,event_time,")
    for part in ("'9x'", "'srcaddr' is a duplicate", "'event_time'", "name 5, ''"):
        assert part in problem


# Notifications, queue, trigger, batch


def test_every_notification_mode_and_trigger_is_accepted() -> None:
    for mode in ("auto-loader", "off"):
        assert parsed(arguments(notifications=mode)).notifications == mode
    queue = parsed(arguments(notifications="queue", queue_url=QUEUE))
    assert (queue.notifications, queue.queue_url) == ("queue", QUEUE)
    for trigger in ("available-now", "continuous"):
        assert parsed(arguments(trigger=trigger)).trigger == trigger


def test_an_unknown_notification_mode_or_trigger_is_reported_with_the_valid_values() -> None:
    assert "auto-loader, queue, off" in problem_with("notifications", notifications="sns")
    assert "available-now, continuous" in problem_with("trigger", trigger="once")


def test_a_queue_url_is_required_and_valid_only_with_notifications_queue() -> None:
    assert "required" in problem_with("queue-url", notifications="queue")
    assert "valid only with --notifications queue" in problem_with("queue-url", queue_url=QUEUE)
    assert "valid only with --notifications queue" in problem_with("queue-url", queue_url=QUEUE, notifications="off")


@pytest.mark.parametrize(
    "url",
    [
        "flow-logs",
        "http://sqs.us-east-1.amazonaws.com/123456789012/q",
        "https://sqs.us-east-1.amazonaws.com/q",
        "arn:aws:sqs:us-east-1:123456789012:q",
    ],
)
def test_a_queue_url_must_be_an_https_url(url: str) -> None:
    assert repr(url) in problem_with("queue-url", notifications="queue", queue_url=url)


@pytest.mark.parametrize(("count", "number"), [("1", 1), ("1000", 1000), ("007", 7)])
def test_max_files_per_batch_is_a_whole_number(count: str, number: int) -> None:
    assert parsed(arguments(max_files_per_batch=count)).max_files_per_batch == number


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "many", "", "1_000", "1e3", "٣", "99999999999"])
def test_an_invalid_max_files_per_batch_is_a_problem(count: str) -> None:
    assert repr(count) in problem_with("max-files-per-batch", max_files_per_batch=count)


# Overlapping paths

LOCAL = {"vpc_logs_path": "/d/logs", "delta_output_path": "/d/table", "checkpoint_path": "/d/checkpoint"}


def test_separate_folders_are_valid() -> None:
    assert problems_with(arguments(**LOCAL)) == []


@pytest.mark.parametrize(
    ("changes", "name", "other"),
    [
        ({"delta_output_path": "/d/logs"}, "delta-output-path", "the VPC Logs Path"),
        ({"delta_output_path": "/d/logs/table"}, "delta-output-path", "the VPC Logs Path"),
        ({"delta_output_path": "/d", "checkpoint_path": "/c"}, "delta-output-path", "the VPC Logs Path"),
        ({"checkpoint_path": "/d/logs/c"}, "checkpoint-path", "the VPC Logs Path"),
        ({"checkpoint_path": "/d/logs/"}, "checkpoint-path", "the VPC Logs Path"),
        ({"checkpoint_path": "/d/table"}, "checkpoint-path", "the Delta Output Path"),
        ({"checkpoint_path": "file:/d/table/_checkpoint"}, "checkpoint-path", "the Delta Output Path"),
        ({"checkpoint_path": "/d/table_quarantine/c"}, "checkpoint-path", "the path of the quarantine table"),
        ({"vpc_logs_path": "/d/table_quarantine/logs"}, "delta-output-path", "the VPC Logs Path"),
        ({"vpc_logs_path": "/d/*"}, "delta-output-path", "the VPC Logs Path"),
        ({"vpc_logs_path": "/d/t*"}, "delta-output-path", "the VPC Logs Path"),
    ],
)
def test_overlapping_paths_are_reported_with_both_names(changes: dict[str, str], name: str, other: str) -> None:
    problems = problems_with(arguments(**{**LOCAL, **changes}))
    assert problems
    assert any(problem.startswith(f"--{name}: ") and other in problem for problem in problems)


def test_a_bucket_may_contain_logs_table_and_checkpoint_in_separate_folders() -> None:
    paths = {"delta_output_path": "s3://flow-logs/delta", "checkpoint_path": "s3://flow-logs/checkpoint"}
    assert problems_with(arguments(**paths)) == []
    inside = {**paths, "delta_output_path": "s3://flow-logs/AWSLogs/delta"}
    assert problem_with("delta-output-path", vpc_logs_path="s3://flow-logs/AWSLogs/*", **inside)


# The message


ALL_BAD = [
    "--vpc-logs-path=s3://flow-logs/AWSLogs/AWSLogs/*",
    "--delta-output-path=delta",
    "--checkpoint-path=s3://bucket",
    "--table-name=Flow-Logs",
    "--region-name=moon",
    "--headers=srcaddr,src addr,srcaddr",
    "--notifications=queue",
    "--trigger=sometimes",
    "--max-files-per-batch=0",
    "--color=red",
]


def no_session() -> object:
    raise AssertionError("invalid parameters need no session")


def test_an_exception_reports_all_problems_in_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ParameterError) as rejected:
        run.run(ALL_BAD, session=no_session, work=lambda *_: None)  # type: ignore[arg-type]
    message = str(rejected.value)
    assert not isinstance(rejected.value, SystemExit)
    assert capsys.readouterr().err == message + "\n"
    assert message.startswith("10 parameter problems; nothing was created:\n")
    assert message.count("\n  - ") == len(rejected.value.problems) == 10
    for name in (*REQUIRED, "delta-output-path", "queue-url", "trigger", "max-files-per-batch"):
        assert f"\n  - --{name}: " in message
    assert "--color=red" in message


def test_a_single_problem_uses_the_singular() -> None:
    assert str(ParameterError(["--x: y"])) == "1 parameter problem; nothing was created:\n  - --x: y"


def test_help_lists_the_parameters_without_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    run.run(["--help"], session=no_session, work=lambda *_: None)  # type: ignore[arg-type]
    output = capsys.readouterr().out
    assert all(f"--{name}" in output for name in (*REQUIRED, *OPTIONAL))


def test_the_help_of_verify_lists_the_parameters_that_verify_uses(capsys: pytest.CaptureFixture[str]) -> None:
    main.run_verify(["--help"], session=no_session)
    output = capsys.readouterr().out
    listed = re.findall(r"^  --([a-z-]+) ", output, flags=re.MULTILINE)
    unused = ("trigger", "interval-seconds", "max-files-per-batch", "answers", "names-table")
    assert set(listed) == {*REQUIRED, *OPTIONAL} - set(unused)
    assert "loads nothing" in output
    assert f"--{', --'.join(unused[:-1])} and --{unused[-1]} are accepted but not used." in output


def test_the_command_rejects_invalid_parameters_with_status_2_and_creates_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(
        [sys.executable, "-m", "local.ingest", *ALL_BAD],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert process.returncode == 2
    assert "Traceback" not in process.stderr
    assert process.stdout == ""
    # The local stage makes --delta-output-path absolute, so a relative folder is valid there.
    assert process.stderr.startswith("9 parameter problems; nothing was created:\n")
    assert list(tmp_path.iterdir()) == []
