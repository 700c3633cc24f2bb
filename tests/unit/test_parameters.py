"""The job's parameters: each rule, all problems in one message, nothing created."""

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
    """Good parameters with some changed, or left out (None); names with ``_``."""
    values: dict[str, str | None] = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def checked(given: list[str]) -> list[str]:
    values, problems = read(given)
    return problems + [f"--{name}: {problem}" for name, problem in problems_of(values).items()]


def parsed(given: list[str]) -> Parameters:
    assert checked(given) == []
    return parameters_of(read(given)[0])


def problem_with(name: str, **changes: str | None) -> str:
    """The only problem of good parameters with some changed, which is about ``name``."""
    (problem,) = checked(arguments(**changes))
    assert problem.startswith(f"--{name}")
    return problem


def test_good_parameters_have_no_problem_and_their_defaults() -> None:
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


def test_the_six_of_the_guide_and_six_of_ours() -> None:
    assert REQUIRED == ("vpc-logs-path", "checkpoint-path", "table-name", "region-name", "headers")
    assert OPTIONAL == (
        "delta-output-path", "notifications", "queue-url", "trigger", "interval-seconds", "max-files-per-batch",
        "new-checkpoint",
    )  # fmt: skip


def test_without_a_delta_output_path_the_table_is_managed() -> None:
    assert parsed(arguments(**{"delta-output-path": None})).delta_output_path == ""


def test_name_and_value_may_be_one_argument_or_two() -> None:
    apart = [part for name, value in GOOD.items() for part in (f"--{name}", value)]
    assert parsed(apart) == parsed(arguments())
    mixed = [*arguments(headers=None), "--headers", GOOD["headers"]]
    assert parsed(mixed) == parsed(arguments())


def test_a_value_may_hold_an_equals_sign() -> None:
    path = "s3://flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/*"
    assert parsed(arguments(vpc_logs_path=path)).vpc_logs_path == path
    given = [*arguments(vpc_logs_path=None), "--vpc-logs-path", path]
    assert parsed(given).vpc_logs_path == path


def test_a_trailing_slash_makes_no_difference() -> None:
    slashed = arguments(
        vpc_logs_path=GOOD["vpc-logs-path"] + "/",
        delta_output_path="s3://lake-1/flow/",
        checkpoint_path="s3://lake-1/checkpoint//",
    )
    assert parsed(slashed) == parsed(arguments())


@pytest.mark.parametrize("name", REQUIRED)
def test_each_of_the_six_must_be_there(name: str) -> None:
    assert checked(arguments(**{name.replace("-", "_"): None})) == [f"--{name} is missing"]


def test_no_parameters_at_all_are_six_problems() -> None:
    assert checked([]) == [f"--{name} is missing" for name in REQUIRED]


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    (problem,) = checked([*arguments(), "--table=x"])
    assert "--table" in problem
    assert all(f"--{name}" in problem for name in (*REQUIRED, *OPTIONAL))


@pytest.mark.parametrize("argument", ["table-name=x", "x", "", "-t", "--Table-Name=x", "--table_name=x", "--"])
def test_what_is_no_parameter_is_refused(argument: str) -> None:
    (problem,) = checked([*arguments(), argument])
    assert repr(argument) in problem


def test_a_pattern_without_quotes_is_one_problem_with_a_hint() -> None:
    """The shell has put the names of eleven files in its place."""
    matched = [f"logs/{number}.log" for number in range(1, 11)]
    given = [*arguments(vpc_logs_path=None), "--vpc-logs-path", "s3://flow-logs/AWSLogs/*", *matched]
    (problem,) = checked(given)
    assert problem == (
        "--vpc-logs-path has more than one value, also 'logs/1.log', 'logs/2.log' and 8 more; quote a value "
        "that has wildcards or spaces, because the shell splits or expands it otherwise: --vpc-logs-path '...'"
    )
    (problem,) = checked([*arguments(headers=None), "--headers=version,", "account-id", "--trigger=continuous"])[:1]
    assert problem.startswith("--headers has more than one value, also 'account-id'; ")


def test_a_typing_mistake_in_headers_is_a_note_and_not_a_problem() -> None:
    (note,) = notes_of({"headers": "version, scraddr,dstaddr,my-own-field"})
    assert note.startswith("--headers: 'scraddr' is not a field that AWS documents; did you mean 'srcaddr'? ")
    assert checked(arguments(headers="version,scraddr")) == []
    assert notes_of(GOOD) == notes_of({}) == []
    # Who names both means both.
    assert notes_of({"headers": "asg-tag,asg-tag-2,asg-tag-3"}) == []


def test_an_unknown_name_with_its_value_apart_is_a_problem() -> None:
    assert "'--table' is not a valid parameter" in checked([*arguments(), "--table", "x"])[0]


def test_a_parameter_twice_is_a_problem_even_with_the_same_value() -> None:
    (problem,) = checked([*arguments(), f"--table-name={GOOD['table-name']}"])
    assert problem == "--table-name is given more than once"


@pytest.mark.parametrize("rest", [[], ["--region-name=us-east-1"]])
def test_a_name_without_a_value_is_a_problem(rest: list[str]) -> None:
    given = [*arguments(table_name=None, region_name=None if rest else "us-east-1"), "--table-name", *rest]
    problems = checked(given)
    assert problems[0].startswith("--table-name has no value")
    assert all(problem.startswith("--table-name") for problem in problems)


def test_an_empty_delta_output_path_is_a_managed_table() -> None:
    assert parsed(arguments(delta_output_path="")).delta_output_path == ""
    assert parsed([*arguments(delta_output_path=None), "--delta-output-path", ""]).delta_output_path == ""


@pytest.mark.parametrize("name", REQUIRED)
def test_no_other_value_may_be_empty(name: str) -> None:
    problem_with(name, **{name.replace("-", "_"): ""})


# Table Name


@pytest.mark.parametrize(
    "name", ["flow_logs", "_x", "t1", "security.flow_logs", "main.security.flow_logs", "main.sec-1.t", "a" * 255]
)
def test_a_table_name_may_have_schema_and_catalog(name: str) -> None:
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
def test_a_table_name_is_of_lower_case_letters_digits_and_underscores(name: str) -> None:
    problem = table_name_problem(name)
    assert problem is not None
    assert repr(name) in problem
    assert "[catalog.][schema.]name" in problem
    assert "lowercase" in problem


# Region


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-5", "il-central-1", "mx-central-1"])
def test_a_region_is_one_of_aws(region: str) -> None:
    assert region_problem(region) is None


@pytest.mark.parametrize(
    "region", ["", "us", "us-east", "us-east-1a", "US-EAST-1", "*", "us east 1", "us-east-1,eu-west-1"]
)
def test_anything_else_is_no_region(region: str) -> None:
    assert problem_with("region-name", region_name=region).endswith("is not a valid AWS region such as us-east-1")


# Headers


def test_headers_may_be_spelled_as_aws_as_parquet_or_as_the_guide_does() -> None:
    guide = GOOD["headers"].replace("account-id", "accountid").replace("interface-id", "interfaceid")
    guide = guide.replace("log-status", "logstatus")
    parquet = ",".join(name.replace("-", "_") for name in DEFAULT_FORMAT)
    blanks = ", ".join(name.upper() for name in DEFAULT_FORMAT)
    for headers in (guide, parquet, blanks):
        assert parsed(arguments(headers=headers)).headers == DEFAULT_FORMAT


def test_all_fields_of_the_catalogue_and_ones_not_catalogued_can_be_headers() -> None:
    names = [field.name for field in FIELDS]
    assert headers_problem(names) is None
    assert parsed(arguments(headers="my_own,srcaddr,other")).headers == ("my-own", "srcaddr", "other")


@pytest.mark.parametrize(
    "twice", ["srcaddr,srcaddr", "account-id,account_id", "accountid,account-id", "SrcAddr,srcaddr"]
)
def test_a_header_twice_is_a_problem_in_whichever_spelling(twice: str) -> None:
    first, second = twice.split(",")
    problem = problem_with("headers", headers=f"version,{twice}")
    assert repr(second) in problem
    assert repr(first) in problem
    assert "duplicate" in problem


@pytest.mark.parametrize("name", ["event_time", "event-time", "other_fields", "Source-File", "ingested_at"])
def test_a_header_may_not_be_named_like_a_column_that_the_table_has_anyway(name: str) -> None:
    assert repr(name) in problem_with("headers", headers=f"version,{name}")


@pytest.mark.parametrize("name", ["", "1a", "a b", "a--b", "-a", "a.b", "é", "${srcaddr}"])
def test_a_header_that_is_no_field_name_is_named_with_its_place(name: str) -> None:
    problem = problem_with("headers", headers=f"version,{name},srcaddr")
    assert f"name 2, {name!r}" in problem


def test_all_problems_of_headers_are_told_at_once() -> None:
    problem = problem_with("headers", headers="srcaddr,9x,srcaddr,event_time,")
    for part in ("'9x'", "'srcaddr' is a duplicate", "'event_time'", "name 5, ''"):
        assert part in problem


# Notifications, queue, trigger, batch


def test_the_ways_of_being_told_and_the_triggers() -> None:
    for mode in ("auto-loader", "off"):
        assert parsed(arguments(notifications=mode)).notifications == mode
    queue = parsed(arguments(notifications="queue", queue_url=QUEUE))
    assert (queue.notifications, queue.queue_url) == ("queue", QUEUE)
    for trigger in ("available-now", "continuous"):
        assert parsed(arguments(trigger=trigger)).trigger == trigger


def test_unknown_ways_and_triggers_are_answered_with_those_there_are() -> None:
    assert "auto-loader, queue, off" in problem_with("notifications", notifications="sns")
    assert "available-now, continuous" in problem_with("trigger", trigger="once")


def test_a_queue_needs_its_url_and_a_url_needs_the_queue() -> None:
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
def test_a_queue_is_given_by_its_https_url(url: str) -> None:
    assert repr(url) in problem_with("queue-url", notifications="queue", queue_url=url)


@pytest.mark.parametrize(("count", "number"), [("1", 1), ("1000", 1000), ("007", 7)])
def test_a_batch_has_a_whole_number_of_files(count: str, number: int) -> None:
    assert parsed(arguments(max_files_per_batch=count)).max_files_per_batch == number


@pytest.mark.parametrize("count", ["0", "-1", "1.5", "many", "", "1_000", "1e3", "٣", "99999999999"])
def test_a_batch_of_no_files_or_of_no_number_is_a_problem(count: str) -> None:
    assert repr(count) in problem_with("max-files-per-batch", max_files_per_batch=count)


# Paths that lie in each other

LOCAL = {"vpc_logs_path": "/d/logs", "delta_output_path": "/d/table", "checkpoint_path": "/d/checkpoint"}


def test_folders_side_by_side_are_fine() -> None:
    assert checked(arguments(**LOCAL)) == []


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
def test_a_path_in_another_is_refused_with_both_of_them(changes: dict[str, str], name: str, other: str) -> None:
    problems = checked(arguments(**{**LOCAL, **changes}))
    assert problems
    assert any(problem.startswith(f"--{name}: ") and other in problem for problem in problems)


def test_a_bucket_may_hold_logs_table_and_checkpoint_side_by_side() -> None:
    paths = {"delta_output_path": "s3://flow-logs/delta", "checkpoint_path": "s3://flow-logs/checkpoint"}
    assert checked(arguments(**paths)) == []
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
    raise AssertionError("no session is needed to see that these are bad")


def test_all_problems_are_in_one_message_of_an_ordinary_exception(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ParameterError) as refused:
        run.run(ALL_BAD, session=no_session, work=lambda *_: None)  # type: ignore[arg-type]
    message = str(refused.value)
    assert not isinstance(refused.value, SystemExit)
    assert capsys.readouterr().err == message + "\n"
    assert message.startswith("10 parameter problems; nothing was created:\n")
    assert message.count("\n  - ") == len(refused.value.problems) == 10
    for name in (*REQUIRED, "delta-output-path", "queue-url", "trigger", "max-files-per-batch"):
        assert f"\n  - --{name}: " in message
    assert "--color=red" in message


def test_one_problem_is_in_the_singular() -> None:
    assert str(ParameterError(["--x: y"])) == "1 parameter problem; nothing was created:\n  - --x: y"


def test_help_is_the_list_of_parameters_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    run.run(["--help"], session=no_session, work=lambda *_: None)  # type: ignore[arg-type]
    shown = capsys.readouterr().out
    assert all(f"--{name}" in shown for name in (*REQUIRED, *OPTIONAL))


def test_the_help_of_verify_lists_the_parameters_that_verify_uses(capsys: pytest.CaptureFixture[str]) -> None:
    main.run_verify(["--help"], session=no_session)
    shown = capsys.readouterr().out
    listed = re.findall(r"^  --([a-z-]+) ", shown, flags=re.MULTILINE)
    assert set(listed) == {*REQUIRED, *OPTIONAL} - {"trigger", "interval-seconds", "max-files-per-batch"}
    assert "loads nothing" in shown
    assert "--trigger, --interval-seconds and --max-files-per-batch are accepted but not used." in shown


def test_the_command_answers_bad_parameters_at_once_with_status_2_and_makes_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "local.ingest", *ALL_BAD],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    # --delta-output-path is made absolute on the local stage: a relative folder is fine there.
    assert done.stderr.startswith("9 parameter problems; nothing was created:\n")
    assert list(tmp_path.iterdir()) == []
