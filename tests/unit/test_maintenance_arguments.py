"""Arguments of `maintain`: its own options, the job's parameters, and one message with all problems."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vpc_flow_logs import main
from vpc_flow_logs.fields import DEFAULT_FORMAT
from vpc_flow_logs.maintenance.arguments import OPTIONAL, UNUSED, Arguments, options_of, problems_of, read
from vpc_flow_logs.parameters import ParameterError

pytestmark = pytest.mark.lts

ROOT = Path(__file__).resolve().parents[2]
OF_THE_JOB = [
    "--vpc-logs-path=s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
    "--delta-output-path=s3://lake-1/flow/",
    "--checkpoint-path=s3://lake-1/checkpoint",
    "--table-name=main.security.flow_logs",
    "--region-name=us-east-1",
    f"--headers={','.join(DEFAULT_FORMAT)}",
    "--notifications=off",
    "--trigger=continuous",
    "--interval-seconds=60",
    "--max-files-per-batch=1000",
    "--new-checkpoint=refuse",
]


def problems_with(*given: str) -> list[str]:
    values, problems = read(["--table-name=flow_logs", *given])
    return problems + [f"--{name}: {problem}" for name, problem in problems_of(values).items()]


def parsed(*given: str) -> Arguments:
    assert problems_with(*given) == []
    return options_of(read(["--table-name=flow_logs", *given])[0])


def no_session() -> object:
    raise AssertionError("invalid arguments need no session")


def test_only_the_table_name_is_required() -> None:
    assert parsed() == Arguments(
        table_name="flow_logs", delta_output_path="", keep_days=None, keep_hourly_days=None, dry_run=False
    )
    assert read([])[1] == ["--table-name is missing"]


def test_the_parameters_of_the_job_are_accepted_and_checked() -> None:
    values, problems = read([*OF_THE_JOB, "--keep-days=90"])
    assert problems == []
    assert problems_of(values) == {}
    assert options_of(values) == Arguments("main.security.flow_logs", "s3://lake-1/flow", keep_days=90)
    assert [
        problem.split(":")[0] for problem in problems_with("--region-name=moon", "--headers=a,a", "--trigger=x")
    ] == [
        "--region-name",
        "--headers",
        "--trigger",
    ]


@pytest.mark.parametrize("name", ["keep-days", "keep-hourly-days"])
@pytest.mark.parametrize(
    "days", ["0", "-1", "1.5", "many", "", "1_000", "1e3", "٣", "36501", "99999999999", "0" * 5000 + "1"]
)
def test_a_number_of_days_is_a_whole_number_up_to_a_hundred_years(name: str, days: str) -> None:
    (problem,) = problems_with(f"--{name}={days}")
    assert problem == f"--{name}: {days!r} is not a whole number from 1 to 36500"
    assert problems_with(f"--{name}=36500") == []


def test_a_number_of_days_may_be_given_in_two_arguments() -> None:
    options = parsed("--keep-days", "090", "--keep-hourly-days", "400")
    assert (options.keep_days, options.keep_hourly_days) == (90, 400)


def test_the_rollup_must_not_expire_before_the_records() -> None:
    (problem,) = problems_with("--keep-days=90", "--keep-hourly-days=30")
    assert problem == (
        "--keep-hourly-days: '30' is less than --keep-days '90'; the roll-up must keep its hours at least as long as "
        "the table keeps its rows"
    )
    assert parsed("--keep-days=90", "--keep-hourly-days=90").keep_hourly_days == 90
    assert parsed("--keep-hourly-days=30").keep_days is None


def test_a_bad_number_of_days_is_the_only_problem_of_the_pair() -> None:
    assert len(problems_with("--keep-days=0", "--keep-hourly-days=30")) == 1
    assert len(problems_with("--keep-days=90", "--keep-hourly-days=x")) == 1


@pytest.mark.parametrize(
    ("given", "dry_run"),
    [
        (["--dry-run"], True),
        (["--dry-run", "--keep-days=3"], True),
        (["--dry-run=true"], True),
        (["--dry-run", "true"], True),
        (["--dry-run", "false"], False),
        (["--dry-run=false", "--keep-days=3"], False),
    ],
)
def test_dry_run_is_a_flag_and_takes_true_or_false(given: list[str], dry_run: bool) -> None:
    assert parsed(*given).dry_run is dry_run


@pytest.mark.parametrize("value", ["", "yes", "True", "1"])
def test_another_value_of_dry_run_is_a_problem(value: str) -> None:
    assert problems_with(f"--dry-run={value}") == [f"--dry-run: {value!r} is not one of true, false"]


def test_no_other_argument_works_without_a_value() -> None:
    assert problems_with("--keep-days") == ["--keep-days has no value; use --keep-days=..."]
    assert problems_with("--keep-days", "--dry-run") == ["--keep-days has no value; use --keep-days=..."]


def test_an_unknown_argument_is_reported_with_the_valid_ones() -> None:
    (problem,) = problems_with("--keep=3")
    assert all(f"--{name}" in problem for name in ("table-name", *OPTIONAL, *UNUSED))


@pytest.mark.parametrize("logs", ["/d/table_hourly", "/d/table_hourly/logs"])
def test_logs_in_the_folder_of_the_rollup_are_a_problem(logs: str) -> None:
    (problem,) = problems_with("--delta-output-path=/d/table", f"--vpc-logs-path={logs}")
    assert problem.startswith("--delta-output-path: '/d/table_hourly' overlaps the VPC Logs Path")
    (problem,) = problems_with("--delta-output-path=/d/table", f"--checkpoint-path={logs}")
    assert problem.startswith(f"--checkpoint-path: '{logs}' overlaps the path of the hourly roll-up")


def test_one_message_lists_all_problems(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--table-name=Flow", "--keep-days=0", "--keep-hourly-days=-1", "--dry-run=maybe", "--color=red"]
    with pytest.raises(ParameterError) as rejected:
        main.run_maintain(given, session=no_session)  # type: ignore[arg-type]
    message = str(rejected.value)
    assert capsys.readouterr().err == message + "\n"
    assert message.startswith("5 parameter problems; nothing was changed:\n")
    for name in ("--table-name: ", "--keep-days: ", "--keep-hourly-days: ", "--dry-run: ", "'--color=red' "):
        assert f"\n  - {name}" in message


def test_help_lists_the_arguments_without_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    main.run_maintain(["--help"], session=no_session)  # type: ignore[arg-type]
    listed = re.findall(r"^  --([a-z-]+) ", capsys.readouterr().out, flags=re.MULTILINE)
    assert listed == ["table-name", *OPTIONAL]


def test_the_command_rejects_invalid_arguments_with_status_2_and_creates_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    for given, problems in (
        (["--keep-days=0"], ["--table-name is missing", "--keep-days: '0' is not a whole number from 1 to 36500"]),
        (["--table-name=lake.security.flow_logs"], ["--table-name: local Spark has no catalog 'lake'; use security"]),
    ):
        process = subprocess.run(
            [sys.executable, "-m", "local.maintain", *given],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert process.returncode == 2
        assert process.stdout == ""
        assert "Traceback" not in process.stderr
        assert "nothing was changed:\n" in process.stderr
        for problem in problems:
            assert f"\n  - {problem}" in process.stderr
    assert list(tmp_path.iterdir()) == []
