"""Environment files for tests: a valid file, and changes to it."""

from __future__ import annotations

from pathlib import Path

from infra.config import Environment, load

# The simplest case in the guide: one VPC, the default format, and notifications that Auto Loader sets up.
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


# Every setting that affects a policy: two flow logs, one of them with Hive-compatible folders, a prefix, a KMS key,
# the stack's own topic and queue, the table in another bucket, and the checkpoint in the log bucket.
_KEY = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
_SECOND = """\
[[flow_logs]]
account = "999988887777"
region = "eu-west-1"
subnet = "subnet-01234567"
hive_partitions = true

[reader]"""
_IN_S3 = """\
checkpoint_path = "s3://flow-logs-bucket/checkpoints/flow_logs"
delta_output_path = "s3://lake/flow_logs\""""
HIVE = ('"network.flow_logs.test"', '"hive_metastore.default.test"')
FULL = [
    ('"flow-logs-bucket"', f'"flow-logs-bucket"\nprefix = "net"\nretention_days = 30\nkms_key_arn = "{_KEY}"'),
    ("[reader]", _SECOND),
    ('checkpoint_path = "/Volumes/network/flow_logs/checkpoints/test"', _IN_S3),
    HIVE,
    ('"auto-loader"', '"stack"'),
]

EXISTING = ('"flow-logs-bucket"', '"flow-logs-bucket"\nexisting = true')
STACK = ('"auto-loader"', '"stack"')
OFF = ('"auto-loader"', '"off"')
NO_WORKSPACE = (SIMPLE[SIMPLE.index("[workspace]") : SIMPLE.index("[job]")], "")


def maintenance(*lines: str) -> tuple[str, str]:
    """Return the change that adds the table ``[maintenance]`` with these lines."""
    return "[job]\n", "\n".join(["[maintenance]", *lines, "", "[job]\n"])


VARIANTS: dict[str, list[tuple[str, str]]] = {
    "simple": [],
    "full": FULL,
    "stack": [STACK],
    "off": [OFF],
    "existing": [EXISTING],
    "existing-stack": [EXISTING, STACK],
    "no-workspace": [NO_WORKSPACE],
}
"""Changes to SIMPLE that together produce every policy document in every form."""


def changed(*changes: tuple[str, str], text: str = SIMPLE) -> str:
    """Return the text with each old part replaced; each old part must occur exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        text = text.replace(old, new)
    return text


def environment(folder: Path, *changes: tuple[str, str], name: str = "test", text: str = SIMPLE) -> Environment:
    """Write a changed file and return its settings."""
    file = folder / f"{name}.toml"
    file.write_text(changed(*changes, text=text))
    return load(str(file))
