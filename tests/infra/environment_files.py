"""Environment files for tests: a good one, and changes to it."""

from __future__ import annotations

from pathlib import Path

from infra.config import Environment, load

# The guide's simplest case: one VPC, the default format, notifications made by Auto Loader.
SIMPLE = """\
[aws]
account = "111122223333"
region = "us-east-1"

[log_bucket]
name = "flow-logs-bucket"

[[flow_logs]]
vpc = "vpc-0123456789abcdef0"

[reader]
role_name = "flow-log-reader"
databricks_role_arn = "arn:aws:iam::111122223333:role/databricks-cross-account"

[workspace]
host = "https://example.cloud.databricks.com"
secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/test-AbCdEf"

[workspace.cluster]
node_type = "m6gd.large"
workers = 0

[job]
table = "network.flow_logs.test"
checkpoint_path = "/Volumes/network/flow_logs/checkpoints/test"
trigger = "continuous"
notifications = "auto-loader"
"""


def changed(*changes: tuple[str, str], text: str = SIMPLE) -> str:
    """The text with each first part replaced by its second; a part that is not there is a mistake of the test."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def environment(folder: Path, *changes: tuple[str, str], name: str = "test", text: str = SIMPLE) -> Environment:
    """The settings of a changed file."""
    file = folder / f"{name}.toml"
    file.write_text(changed(*changes, text=text))
    return load(str(file))
