"""Detection of example values that are still in an environment file, key by key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra import by_hand
from infra.config import ENVIRONMENTS, load
from infra.environment.examples import example_values, warning

_MINIMAL = (ENVIRONMENTS / "minimal.toml").read_text()
_OWN = {
    "111122223333": "210987654321",
    "example-minimal-flow-logs": "acme-flow-logs",
    "vpc-0a1b2c3d4e5f60718": "vpc-09f8e7d6c5b4a3921",
    "https://example-minimal.cloud.databricks.com": "https://dbc-5ac1f00d-beef.cloud.databricks.com",
    "minimal-AbCdEf": "minimal-x7Kq2P",
}


def _keys(folder: Path, text: str) -> list[str]:
    file = folder / "mine.toml"
    file.write_text(text)
    return [problem.key for problem in example_values(load(str(file)))]


def test_an_unedited_copy_is_reported_with_every_example_value(tmp_path: Path) -> None:
    assert _keys(tmp_path, _MINIMAL) == [
        "aws.account",
        "log_bucket.name",
        "flow_logs[1].vpc",
        "reader.databricks_role_arn",
        "workspace.host",
        "workspace.secret_arn",
    ]


def test_a_deploy_by_hand_rejects_example_values_like_make_deploy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(_MINIMAL)
    assert by_hand.main(["deploy", "--env", str(file)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"{file}: 6 problems; nothing was created or changed:\n")
    assert '  - aws.account: "111122223333" is an example value. Replace it with your own\n' in output.err


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("111122223333", ["aws.account", "reader.databricks_role_arn", "workspace.secret_arn"]),
        ("example-minimal-flow-logs", ["log_bucket.name"]),
        ("vpc-0a1b2c3d4e5f60718", ["flow_logs[1].vpc"]),
        ("https://example-minimal.cloud.databricks.com", ["workspace.host"]),
        ("minimal-AbCdEf", ["workspace.secret_arn"]),
    ],
)
def test_a_single_forgotten_example_value_is_reported(value: str, keys: list[str], tmp_path: Path) -> None:
    text = _MINIMAL
    for example, own in _OWN.items():
        assert example in text
        text = text if example == value else text.replace(example, own)
    assert _keys(tmp_path, text) == keys
    assert _keys(tmp_path, text.replace(value, _OWN[value])) == []


def test_every_target_and_account_of_the_production_example_is_reported() -> None:
    keys = {problem.key for problem in example_values(load("production"))}
    text = (ENVIRONMENTS / "production.toml").read_text()
    targets = re.findall(r'^(?:vpc|subnet|network_interface|transit_gateway|account) = "', text, flags=re.MULTILINE)
    assert len([key for key in keys if key.startswith("flow_logs[") or key == "aws.account"]) == len(targets)
    assert {
        "log_bucket.kms_key_arn",
        "workspace.service_principals[1]",
        "workspace.cluster.policy_id",
        "job.email_on_failure[1]",
    } < keys


def test_the_local_file_has_no_example_values() -> None:
    assert example_values(load("local")) == []


def test_the_warning_names_the_keys_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(_MINIMAL)
    problems = example_values(load(str(tmp_path / "mine.toml")))
    assert warning(problems[:1]) == (
        "aws.account still has an example value; make deploy rejects the file until you replace it"
    )
    assert warning(problems[:2]).startswith("aws.account, log_bucket.name still have example values")
