"""Names, ARNs and paths that follow from an environment, so that nobody has to be asked for them twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.settings import Environment, FlowLog
from vpc_flow_logs.fields import DEFAULT_FORMAT, FIELDS, TGW_DEFAULT_FORMAT, canonical
from vpc_flow_logs.paths import parts, scheme_of, without_trailing_slash

_CATALOGUE = [field.name for field in FIELDS]


@dataclass(frozen=True, order=True)
class Source:
    """An account and region that flow logs are delivered from, and the folder layouts that they use."""

    account: str
    region: str
    plain: bool
    hive: bool


def partition(region: str) -> str:
    """The partition of a region, which every ARN begins with: ``aws``, ``aws-us-gov`` or ``aws-cn``."""
    return {"us-gov": "aws-us-gov", "cn": "aws-cn"}.get(region.rsplit("-", 2)[0], "aws")


def bucket_arn(environment: Environment) -> str:
    """ARN of the log bucket."""
    return f"arn:{partition(environment.aws.region)}:s3:::{environment.log_bucket.name}"


def logs_prefix(environment: Environment) -> str:
    """The keys that AWS delivers below: ``[prefix/]AWSLogs/``."""
    prefix = environment.log_bucket.prefix
    return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"


def role_arn(environment: Environment) -> str:
    """ARN of the reader role."""
    return _iam_arn(environment, f"role/{environment.reader.role_name}")


def profile_arn(environment: Environment) -> str:
    """ARN of the reader role's instance profile, which has the role's name."""
    return _iam_arn(environment, f"instance-profile/{environment.reader.role_name}")


def registration_role_arn(environment: Environment) -> str:
    """ARN of the role of the function that registers the reader with the workspace."""
    return _iam_arn(environment, f"role/{registration_name(environment)}")


def registration_name(environment: Environment) -> str:
    """Name of that function and of its role; with the region, for roles are the account's and not the region's."""
    return f"{stack_name(environment)}-registration-{environment.aws.region}"


def _iam_arn(environment: Environment, resource: str) -> str:
    return f"arn:{partition(environment.aws.region)}:iam::{environment.aws.account}:{resource}"


def databricks_role_name(environment: Environment) -> str:
    """Name of the cross-account role, without the path that its ARN may have."""
    return environment.reader.databricks_role_arn.rsplit("/", 1)[1]


def stack_name(environment: Environment) -> str:
    """Name of the main stack; topic, queue and function are named after it too."""
    return f"vpc-flow-logs-{environment.name}"


def service_arn(environment: Environment, service: str, resource: str) -> str:
    """ARN of a resource in the account and region of ``[aws]``."""
    aws = environment.aws
    return f"arn:{partition(aws.region)}:{service}:{aws.region}:{aws.account}:{resource}"


def topic_name(environment: Environment) -> str:
    """Name of the topic and of the queue that the stack makes with ``notifications = "stack"``."""
    return stack_name(environment)


def dead_letters_name(environment: Environment) -> str:
    """Name of the queue for messages that the job could not take."""
    return f"{stack_name(environment)}-dead-letters"


def source_of(environment: Environment, flow_log: FlowLog) -> tuple[str, str]:
    """Account and region of a flow log."""
    return flow_log.account or environment.aws.account, flow_log.region or environment.aws.region


def sources(environment: Environment) -> list[Source]:
    """Every account and region that delivers, in order."""
    layouts: dict[tuple[str, str], set[bool]] = {}
    for flow_log in environment.flow_logs:
        layouts.setdefault(source_of(environment, flow_log), set()).add(flow_log.hive_partitions)
    return sorted(
        Source(account=account, region=region, plain=False in kinds, hive=True in kinds)
        for (account, region), kinds in layouts.items()
    )


def delivered_fields(flow_log: FlowLog) -> tuple[str, ...]:
    """The fields of a flow log's records: those it names, or AWS's default format."""
    return flow_log.fields or (TGW_DEFAULT_FORMAT if flow_log.transit_gateway else DEFAULT_FORMAT)


def headers(environment: Environment) -> tuple[str, ...]:
    """The job's Headers: those of the file, or all fields of the flow logs in the catalogue's order."""
    if environment.job.headers is not None:
        return tuple(canonical(name) for name in environment.job.headers)
    delivered = {name for flow_log in environment.flow_logs for name in delivered_fields(flow_log)}
    return tuple(sorted(delivered, key=_CATALOGUE.index))


def logs_path(environment: Environment) -> str:
    """The job's VPC Logs Path: the narrowest one that has the files of all flow logs."""
    root = f"s3://{environment.log_bucket.name}/{logs_prefix(environment)}"
    found = sources(environment)
    # AWS's pages differ on a transit gateway's Hive folder (service= or aws-service=): no path names both.
    unsure = any(flow_log.hive_partitions and flow_log.transit_gateway for flow_log in environment.flow_logs)
    mixed = len({kind for source in found for kind in (source.plain and "plain", source.hive and "hive") if kind}) != 1
    if mixed or unsure:
        return f"{root}*"
    account = _only([source.account for source in found])
    region = _only([source.region for source in found])
    if found[0].hive:
        return f"{root}aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/*"
    return f"{root}{account}/vpcflowlogs/{region}/*"


def _only(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else "*"


@dataclass(frozen=True, order=True)
class Folder:
    """A folder of a bucket that the job writes: the bucket's name and the key prefix, without a slash at its end."""

    bucket: str
    prefix: str


def output_folders(environment: Environment) -> list[Folder]:
    """The folders in S3 that the job writes: table, quarantine table, checkpoint; none where they lie elsewhere."""
    delta = without_trailing_slash(environment.job.delta_output_path)
    paths = [delta, f"{delta}_quarantine"] if delta else []
    paths.append(environment.job.checkpoint_path)
    named = [parts(path) for path in paths if scheme_of(path) == "s3"]
    return sorted(Folder(bucket=bucket, prefix="/".join(keys)) for bucket, *keys in named)
