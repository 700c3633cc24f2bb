from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.environments import ALL_ENVS, Cloud, DatabricksEnvironment

from infra.config import ENVIRONMENTS, EnvironmentFileError, load, warnings_of
from infra.environment import deliveries, names
from infra.environment.schema import EnvironmentFile, Section
from infra.environment.secrets import secrets_in
from infra.iam import policies
from infra.workspace_spec import job_parameters
from tests.support.environment_files import FULL, HIVE, SIMPLE, STACK, changed, environment, maintenance
from tests.support.golden import golden

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BROKEN_FILES = Path(__file__).parent / "broken_files.toml"
_BROKEN = tomllib.loads(_BROKEN_FILES.read_text(encoding="utf-8"))["broken"]
_SECRETS = (
    "dapi0123456789abcdef0123456789abcdef",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE1",
    "hunter2",
    "correct horse",
)


def _with_problems(text: str, broken: dict[str, Any]) -> str:
    """Return the text of broken_files.toml with the problems of one entry replaced."""
    entry = re.escape(f"what = {_quoted(broken['what'])}\n")
    lines = "".join(f"    {_quoted(problem)},\n" for problem in broken["problems"])
    pattern = rf"^({entry}.*?^problems = \[\n).*?^\]$"
    text, count = re.subn(pattern, lambda match: f"{match[1]}{lines}]", text, flags=re.DOTALL | re.MULTILINE)
    assert count == 1, broken["what"]
    return text


def _quoted(text: str) -> str:
    """Return a string as TOML, in single quotes unless it needs an escape."""
    return json.dumps(text, ensure_ascii=False) if re.search(r"['\\]", text) else f"'{text}'"


@pytest.mark.parametrize("broken", _BROKEN, ids=[broken["what"] for broken in _BROKEN])
def test_all_problems_of_a_broken_file_are_reported(
    broken: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool
) -> None:
    (tmp_path / "test.toml").write_text(changed(*((old, new) for old, new in broken["changes"])))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EnvironmentFileError) as error:
        load("test.toml")
    lines = [line for line in str(error.value).splitlines() if not line.startswith("warning: ")]
    if update:
        broken["problems"] = [line.removeprefix("  - ") for line in lines[1:]]
        golden(_BROKEN_FILES, _with_problems(_BROKEN_FILES.read_text(encoding="utf-8"), broken), update=True)
    count = len(broken["problems"])
    assert lines == [
        f"test.toml: {count} problem{'s' if count > 1 else ''}; nothing was created or changed:",
        *(f"  - {problem}" for problem in broken["problems"]),
    ]
    assert [secret for secret in _SECRETS if secret in str(error.value)] == []


def test_warnings_appear_together_with_the_problems_of_other_keys(tmp_path: Path) -> None:
    odd = (('region = "us-east-1"', 'region = "us-eats-1"'), ("secretsmanager:us-east-1", "secretsmanager:us-eats-1"))
    (warning,) = warnings_of(environment(tmp_path, *odd))
    for other in (('"flow-logs-bucket"', '"My Bucket"'), ('vpc = "vpc-', 'vpc = "'), ("[reader]", "[raeder]")):
        (tmp_path / "test.toml").write_text(changed(*odd, other))
        with pytest.raises(EnvironmentFileError) as error:
            load(str(tmp_path / "test.toml"))
        assert str(error.value).splitlines()[-1] == f"warning: {warning}"


def test_a_warning_about_a_key_with_a_problem_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_text(changed(('region = "us-east-1"', 'region = "us-eats"')))
    with pytest.raises(EnvironmentFileError) as error:
        load(str(tmp_path / "test.toml"))
    assert "warning: " not in str(error.value)


@pytest.mark.parametrize("value", ["5", "true", '"x"', '""', "[]", '["x", 5]', "{ x = 1 }", "2026-01-01", "1.5"])
def test_no_value_of_any_key_causes_a_traceback(value: str, tmp_path: Path) -> None:
    for line in SIMPLE.splitlines():
        if " = " in line:
            key = line.partition(" = ")[0]
            (tmp_path / "test.toml").write_text(changed((line + "\n", f"{key} = {value}\n")))
            named = any(
                wrong_key.rpartition(".")[2].startswith(key) for wrong_key in _wrong_keys(tmp_path / "test.toml")
            )
            assert named != ((key, value) in {("workers", "5"), ("role_name", '"x"'), ("table", '"x"')})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("9" * 4301, "cannot be parsed: a number has thousands of digits, or arrays are nested too deeply"),
        ("[" * 2000, "cannot be parsed: a number has thousands of digits, or arrays are nested too deeply"),
        (f'0\nspark_version = "{"x" * 9000}"', "is not a valid Databricks Runtime version key"),
        (f"0\n{'k' * 9000} = 1", "unknown key"),
    ],
    ids=["too many digits", "nested too deeply", "long value", "long key"],
)
def test_an_overlong_value_is_reported_in_a_short_message(value: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_text(changed(("workers = 0", f"workers = {value}")))
    with pytest.raises(EnvironmentFileError, match=message) as error:
        load(str(tmp_path / "test.toml"))
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("unit", ["m", "0", ":", "#", "# ", "a:", "://", "a://:"])
def test_the_time_to_look_for_secrets_grows_with_the_length_of_the_text_and_not_with_its_square(unit: str) -> None:
    def seconds(length: int) -> float:
        text, times = unit * (length // len(unit)), []
        for _ in range(3):
            started = time.process_time()
            assert secrets_in(text, {"key": text}) == []
            assert secrets_in(f"a://{text}", {"key": f"a://{text}"}) == []
            times.append(time.process_time() - started)
        return min(times)

    assert seconds(64_000) < 40 * (seconds(8_000) + 0.001)  # 8 times the length: 8 or 64 times the time


@pytest.mark.parametrize("key", ["prefix", "delta_output_path", "checkpoint_path"])
def test_a_folder_is_limited_to_512_characters_to_leave_room_for_file_names(key: str, tmp_path: Path) -> None:
    place = '"flow-logs-bucket"' if key == "prefix" else 'trigger = "continuous"'
    text = (
        changed(('checkpoint_path = "/Volumes/network/flow_logs/checkpoints/test"\n', "")) if "check" in key else SIMPLE
    )
    root = "" if key == "prefix" else "s3://lake/"
    environment(tmp_path, (place, f'{place}\n{key} = "{root}{"x" * (512 - len(root))}"'), HIVE, text=text)
    with pytest.raises(EnvironmentFileError, match="has 513 characters; the maximum is 512"):
        environment(tmp_path, (place, f'{place}\n{key} = "{root}{"x" * (513 - len(root))}"'), HIVE, text=text)


@pytest.mark.parametrize(("old", "new"), [("[aws]", "\ufeff[aws]"), ("\n", "\r\n")], ids=["byte order mark", "CR LF"])
def test_files_saved_by_windows_editors_are_read(old: str, new: str, tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_bytes(SIMPLE.replace(old, new).encode())
    assert load(str(tmp_path / "test.toml")) == environment(tmp_path)


def test_a_path_as_long_as_a_secret_access_key_is_accepted(tmp_path: Path) -> None:
    path = "/Volumes/net/flows/checkpoints/staging01"
    assert len(path) == 40
    loaded = environment(tmp_path, ("/Volumes/network/flow_logs/checkpoints/test", path))
    assert loaded.job.checkpoint_path == path


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0/15 * * * ?",
        "0 */5 * * * ?",
        "0 0,30 8-18/2 ? JAN,mar MON-FRI 2026-2099",
        "0 0 22-2 L * ?",
        "0 0 0 LW * ?",
        "0 0 0 15W * ?",
        "0 0 0 ? * 6#3",
        "0 0 0 ? * 6L",
        "59 59 23 31 12 ? 2099",
    ],
)
def test_quartz_expressions_of_every_form_are_accepted(schedule: str, tmp_path: Path) -> None:
    changes = ('"continuous"', f'"scheduled"\nschedule = "{schedule}"')
    assert environment(tmp_path, changes).job.schedule == schedule


def _wrong_keys(file: Path) -> list[str]:
    try:
        load(str(file))
    except EnvironmentFileError as error:
        return [problem.key for problem in error.problems]
    return []


def test_every_missing_table_of_an_empty_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_text("")
    needed = {key for key, field in EnvironmentFile.model_fields.items() if field.is_required()}
    assert set(_wrong_keys(tmp_path / "test.toml")) == needed | {"flow_logs"}


_HOST = "https://example.cloud.databricks.com"


@pytest.mark.parametrize(
    "host",
    [
        "https://accounts.cloud.databricks.com",
        "https://accounts.cloud.databricks.us",
        "https://accounts-dod.cloud.databricks.us",
        "https://accounts.azuredatabricks.net",
        "https://accounts.gcp.databricks.com",
    ],
)
def test_the_account_console_is_rejected_as_a_workspace(host: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError, match=r"is the account console; .* choose one on AWS") as error:
        environment(tmp_path, (_HOST, host))
    assert f'workspace.host: "{host}"' in str(error.value)


@pytest.mark.parametrize("domain", ALL_ENVS, ids=lambda domain: domain.dns_zone)
def test_a_workspace_on_another_cloud_is_rejected_with_advice(domain: DatabricksEnvironment, tmp_path: Path) -> None:
    host = domain.deployment_url("adb-1234567890123456.7" if domain.cloud is Cloud.AZURE else "dbc-01234567-89ab")
    if domain.cloud is Cloud.AWS:
        workspace = environment(tmp_path, (_HOST, host)).workspace
        assert workspace is not None
        assert workspace.host == host
        return
    cloud = {Cloud.AZURE: "Azure", Cloud.GCP: "Google Cloud"}[domain.cloud]
    with pytest.raises(EnvironmentFileError, match=rf"is on {cloud}; .* Use the URL of a workspace on AWS, such as"):
        environment(tmp_path, (_HOST, host))


_WITH_A_DEFAULT = {"role_name", "node_type", "workers", "trigger", "notifications"}


def test_no_missing_line_causes_a_traceback(tmp_path: Path) -> None:
    for line in [line for line in SIMPLE.splitlines() if line]:
        (tmp_path / "test.toml").write_text(changed((f"{line}\n", "")))
        if line.partition(" = ")[0] in _WITH_A_DEFAULT:
            assert load(str(tmp_path / "test.toml")).name == "test"
        else:
            with pytest.raises(EnvironmentFileError):
                load(str(tmp_path / "test.toml"))


@pytest.mark.parametrize("name", ["minimal", "staging", "production"])
def test_the_committed_environment_files_are_valid_without_warnings(name: str) -> None:
    assert load(name).name == name
    assert warnings_of(load(name)) == []


def test_the_local_file_is_valid_with_a_warning_about_the_dbfs_root() -> None:
    assert load("local").job.table == "flow_logs"
    (warning,) = warnings_of(load("local"))
    assert "is in the DBFS root, which new workspaces do not have" in warning


def test_the_minimal_file_has_only_keys_without_a_default() -> None:
    assert len((ENVIRONMENTS / "minimal.toml").read_text().splitlines()) < 25
    loaded = load("minimal")
    given = tomllib.loads((ENVIRONMENTS / "minimal.toml").read_text())
    defaults = [
        f"{section}.{key}"
        for section, keys in given.items()
        if isinstance(keys, dict)
        for key in keys
        if not type(getattr(loaded, section)).model_fields[key].is_required()
    ]
    assert defaults == []
    assert loaded.reader.role_name == "flow-log-reader-minimal"
    assert loaded.workspace is not None
    assert (loaded.workspace.cluster.node_type, loaded.workspace.cluster.workers) == ("m6gd.xlarge", 0)
    assert (loaded.job.trigger, loaded.job.notifications) == ("continuous", "auto-loader")


def test_the_reader_role_name_comes_from_the_file_or_the_environment(tmp_path: Path) -> None:
    assert environment(tmp_path).reader.role_name == "flow-log-reader"
    named = environment(tmp_path, ('role_name = "flow-log-reader"\n', ""), name="other")
    assert named.reader.role_name == "flow-log-reader-other"


_CHECKPOINT = "/Volumes/network/flow_logs/checkpoints/test"


@pytest.mark.parametrize(
    ("table", "checkpoint", "message"),
    [
        ("network.flow_logs.test", "s3://lake/checkpoint", "is not in a volume"),
        ("network.flow_logs.test", "dbfs:/checkpoint", "is in the DBFS root"),
        ("network.flow_logs.test", "/checkpoint", "is in the DBFS root"),
        ("flow_logs", "dbfs:/checkpoint", "is in the DBFS root"),
        ("default.flow_logs", "/checkpoint", "is in the DBFS root"),
    ],
)
def test_a_unity_catalog_checkpoint_outside_a_volume_causes_a_warning(
    table: str, checkpoint: str, message: str, tmp_path: Path
) -> None:
    loaded = environment(tmp_path, ("network.flow_logs.test", table), (_CHECKPOINT, checkpoint))
    (warning,) = warnings_of(loaded)
    assert warning.startswith(f'job.checkpoint_path: "{checkpoint}" {message}')
    assert "/Volumes/catalog/schema/volume/folder" in warning


@pytest.mark.parametrize(
    ("table", "checkpoint"),
    [
        ("hive_metastore.default.flow_logs", "dbfs:/checkpoint"),
        ("hive_metastore.default.flow_logs", "s3://lake/checkpoint"),
        ("flow_logs", _CHECKPOINT),
        ("network.flow_logs.test", f"dbfs:{_CHECKPOINT}"),
    ],
)
def test_other_checkpoints_cause_no_warning(table: str, checkpoint: str, tmp_path: Path) -> None:
    loaded = environment(tmp_path, ("network.flow_logs.test", table), (_CHECKPOINT, checkpoint))
    assert warnings_of(loaded) == []


def test_a_unity_catalog_table_in_the_dbfs_root_causes_a_warning(tmp_path: Path) -> None:
    place = ('trigger = "continuous"', 'trigger = "continuous"\ndelta_output_path = "dbfs:/flow_logs"')
    (warning,) = warnings_of(environment(tmp_path, place))
    assert warning.startswith('job.delta_output_path: "dbfs:/flow_logs" is in the DBFS root, where Unity Catalog')
    assert warnings_of(environment(tmp_path, place, HIVE)) == []


def test_with_an_external_location_the_reader_role_writes_only_the_checkpoint(tmp_path: Path) -> None:
    covered = [change for change in FULL if change != HIVE]
    covered.append(('trigger = "continuous"', 'trigger = "continuous"\nexternal_location = true'))
    assert [folder.prefix for folder in names.output_folders(environment(tmp_path, *FULL))] == [
        "checkpoints/flow_logs",
        "flow_logs",
        "flow_logs_hourly",
        "flow_logs_quarantine",
    ]
    loaded = environment(tmp_path, *covered)
    assert [folder.prefix for folder in names.output_folders(loaded)] == ["checkpoints/flow_logs"]
    assert "lake" not in str([policy.document for policy in policies.policies(loaded)])


def test_no_job_parameter_is_empty(tmp_path: Path) -> None:
    """A workspace can drop an empty named parameter, and a missing delta-output-path selects a managed table."""
    parameters = job_parameters(environment(tmp_path), queue_url=None)
    assert [name for name, value in parameters.items() if not value] == []
    assert {"delta-output-path", "queue-url"} & parameters.keys() == set()
    assert job_parameters(environment(tmp_path, *FULL), queue_url="https://q")["queue-url"] == "https://q"
    assert job_parameters(environment(tmp_path, *FULL), queue_url=None)["delta-output-path"] == "s3://lake/flow_logs"


def test_an_unknown_environment_name_is_reported_with_the_known_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ENVIRONMENTS.parent)
    with pytest.raises(EnvironmentFileError) as error:
        load("stagin")
    assert str(error.value) == (
        "environments/stagin.toml: 1 problem; nothing was created or changed:\n"
        "  - the file does not exist; environments/ has local, minimal, production, staging. You can also name a file "
        "by its path"
    )


def test_a_folder_instead_of_a_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError, match="is a folder; name a file in it"):
        load(f"{tmp_path}/")


def test_a_file_that_is_not_utf_8_is_reported_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_bytes(b"[aws]\n# \xff")
    with pytest.raises(EnvironmentFileError, match=r"is not valid UTF-8 \(byte 9\)"):
        load(str(tmp_path / "test.toml"))


def test_a_file_name_that_cannot_name_stacks_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError, match="'2_b' is not a valid environment name: use at most 30 letters"):
        environment(tmp_path, name="2_b")


def test_every_key_has_a_description() -> None:
    sections: list[type[Section]] = [EnvironmentFile, *Section.__subclasses__()]
    assert [
        f"{section.__name__}.{key}"
        for section in sections
        for key, field in section.model_fields.items()
        if not field.description
    ] == []


def test_the_staging_file_contains_every_key() -> None:
    text = (ENVIRONMENTS / "staging.toml").read_text()
    keys = {key for section in Section.__subclasses__() for key in section.model_fields} - {"name"}
    assert sorted(key for key in keys if f"{key} =" not in text and f"{key}]" not in text) == []


def test_a_header_that_no_flow_log_delivers_causes_a_warning(tmp_path: Path) -> None:
    loaded = environment(
        tmp_path,
        ('"flow-logs-bucket"', '"flow-logs-bucket"\nexisting = true'),
        ('"continuous"', '"continuous"\nheaders = ["srcaddr", "az_id"]'),
    )
    (warning,) = warnings_of(loaded)
    assert warning.startswith("job.headers: no flow log in this file delivers az-id. The column stays empty")


def test_a_prefix_that_s3_percent_encodes_causes_a_warning(tmp_path: Path) -> None:
    place = ('"flow-logs-bucket"', '"flow-logs-bucket"\nprefix = "team=net"')
    (warning,) = warnings_of(environment(tmp_path, place))
    assert warning.startswith('log_bucket.prefix: "team=net" has characters that S3 compares in percent-encoded form')
    assert warnings_of(environment(tmp_path, place, STACK)) == []
    assert warnings_of(environment(tmp_path, (place[0], f'{place[0]}\nprefix = "team/net_1"'))) == []


_SECOND = "\n[[flow_logs]]\n"
_VPC = 'vpc = "vpc-0123456789abcdef0"'
_ROOT = "s3://flow-logs-bucket/"


@pytest.mark.parametrize(
    ("flow_logs", "path"),
    [
        (_VPC, "AWSLogs/111122223333/vpcflowlogs/us-east-1/*"),
        (f'{_VPC}\naccount = "999988887777"', "AWSLogs/999988887777/vpcflowlogs/us-east-1/*"),
        (f'{_VPC}{_SECOND}{_VPC}\nregion = "eu-west-1"', "AWSLogs/111122223333/vpcflowlogs/*/*"),
        (f'{_VPC}{_SECOND}{_VPC}\naccount = "999988887777"', "AWSLogs/*/vpcflowlogs/us-east-1/*"),
        # The part of the path that Auto Loader filters on must not contain "=".
        (f"{_VPC}\nhive_partitions = true", "AWSLogs/*"),
        (f"{_VPC}{_SECOND}{_VPC}\nhive_partitions = true", "AWSLogs/*"),
        ('transit_gateway = "tgw-01234567"', "AWSLogs/111122223333/vpcflowlogs/us-east-1/*"),
        ('transit_gateway = "tgw-01234567"\nhive_partitions = true', "AWSLogs/*"),
    ],
)
def test_the_logs_path_is_the_narrowest_that_matches_all_files(flow_logs: str, path: str, tmp_path: Path) -> None:
    assert deliveries.logs_path(environment(tmp_path, (_VPC, flow_logs))) == _ROOT + path
    prefixed = environment(tmp_path, (_VPC, flow_logs), ('"flow-logs-bucket"', '"flow-logs-bucket"\nprefix = "a/b/"'))
    assert deliveries.logs_path(prefixed) == f"{_ROOT}a/b/{path}"


def test_headers_are_all_delivered_fields_in_the_documented_order(tmp_path: Path) -> None:
    loaded = environment(tmp_path, (_VPC, f'{_VPC}\nfields = ["end", "vpc-id"]{_SECOND}{_VPC}\nfields = ["version"]'))
    assert deliveries.headers(loaded) == ("version", "end", "vpc-id")


def test_an_existing_bucket_without_flow_logs_is_read_completely(tmp_path: Path) -> None:
    loaded = environment(
        tmp_path,
        (f"[[flow_logs]]\n{_VPC}\n", ""),
        ('"flow-logs-bucket"', '"flow-logs-bucket"\nexisting = true'),
        ('"continuous"', '"continuous"\nheaders = ["srcaddr"]'),
    )
    assert deliveries.logs_path(loaded) == f"{_ROOT}AWSLogs/*"
    assert deliveries.sources(loaded) == []
    # The file has no flow logs, so there is no warning about headers that they do not deliver.
    assert warnings_of(loaded) == []


def test_a_device_file_is_rejected() -> None:
    with pytest.raises(EnvironmentFileError, match=r"^/dev/null: 1 problem.*\n  - is not a regular file; name a TOML"):
        load("/dev/null")


@pytest.mark.parametrize("target", ["synth", "diff", "review", "review-against", "smoke", "probe", "destroy"])
@pytest.mark.parametrize("name", ["my file.toml", "it's mine.toml", "a'; touch b; echo '"])
def test_a_name_with_spaces_or_quotes_reaches_the_command_as_one_argument(target: str, name: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target, f"ENV={name}"],
        cwd=ENVIRONMENTS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    words = [word for line in done.stdout.splitlines() for word in shlex.split(line)]
    assert {name, f"env={name}"} & set(words)
    assert "touch" not in words


def test_synth_names_the_folder_of_the_templates_and_the_next_step() -> None:
    for arguments, folder in (("ARGS=", "cdk.out/"), ("ARGS=--output=x", "the folder of --output")):
        done = subprocess.run(
            ["make", "--dry-run", "synth", "ENV=minimal", arguments],
            cwd=ENVIRONMENTS.parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
        where, then = [shlex.split(line)[1] for line in done.stdout.splitlines() if line.startswith("echo ")][-2:]
        assert where.startswith(f"The templates are in {folder}: ")
        assert "make review ENV='minimal'" in then


def test_a_file_name_with_spaces_is_rejected_with_the_valid_form(tmp_path: Path) -> None:
    with pytest.raises(
        EnvironmentFileError, match="'my file' is not a valid environment name: use at most 30 letters, digits"
    ):
        environment(tmp_path, name="my file")


_DAYS = ('"flow-logs-bucket"', '"flow-logs-bucket"\nretention_days = 30')


def test_without_a_maintenance_table_the_job_runs_daily_and_keeps_all_rows(tmp_path: Path) -> None:
    for changes in ([], [maintenance()]):
        loaded = environment(tmp_path, *changes).maintenance
        assert (loaded.enabled, loaded.schedule) == (True, "0 0 3 * * ?")
        assert (loaded.keep_days, loaded.keep_hourly_days) == (None, None)
        assert (loaded.node_type, loaded.workers) == (None, None)


@pytest.mark.parametrize("hourly", ["keep_hourly_days = 90", ""], ids=["the same time", "forever"])
def test_the_roll_up_may_be_kept_as_long_as_the_rows_or_longer(hourly: str, tmp_path: Path) -> None:
    assert warnings_of(environment(tmp_path, maintenance("keep_days = 90", hourly))) == []


def test_rows_that_outlast_the_delivered_files_cause_a_warning_with_the_reason(tmp_path: Path) -> None:
    (warning,) = warnings_of(environment(tmp_path, _DAYS, maintenance("keep_days = 31")))
    assert warning.startswith("maintenance.keep_days: rows are kept for 31 days, but log_bucket.retention_days deletes")
    assert "cannot be loaded again" in warning
    for kept in ("keep_days = 30", "keep_hourly_days = 31"):
        assert warnings_of(environment(tmp_path, _DAYS, maintenance(kept))) == []


def test_an_expiry_without_the_job_that_applies_it_causes_a_warning(tmp_path: Path) -> None:
    lines = ("enabled = false", "keep_days = 400", "keep_hourly_days = 400")
    assert warnings_of(environment(tmp_path, _DAYS, maintenance(*lines))) == [
        "maintenance.keep_days: has no effect with enabled = false: no row expires",
        "maintenance.keep_hourly_days: has no effect with enabled = false: no row expires",
    ]


def test_the_reader_role_writes_the_roll_up_only_if_there_is_a_maintenance_job(tmp_path: Path) -> None:
    for line, written in (("", True), ("enabled = false", False)):
        loaded = environment(tmp_path, *FULL, maintenance(line))
        assert ("flow_logs_hourly" in [folder.prefix for folder in names.output_folders(loaded)]) is written
