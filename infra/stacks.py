"""Compose an environment's stacks: the main stack, and a small one for each other account and region."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import App, CfnOutput, Stack, Tags
from aws_cdk import Environment as Place
from constructs import Construct, IDependable

from infra.environment import deliveries, names
from infra.environment.schema import Environment, FlowLog, Workspace
from infra.iam import policies, registration_policies
from infra.outputs import outputs
from infra.resources.bucket_notification import BucketNotification
from infra.resources.flow_logs import FlowLogs
from infra.resources.function_role import FunctionRole
from infra.resources.log_bucket import LogBucket
from infra.resources.notifications import Notifications
from infra.resources.provider import ProviderRoles
from infra.resources.reader_role import ReaderRole
from infra.resources.registration import Ingestion
from infra.workspace_spec import job_parameters, maintenance_parameters, workspace_spec


class MainStack(Stack):
    """Bucket, reader role, notifications, the flow logs of this account and region, and the workspace half.

    Attributes:
        reader: The reader role.
        notifications: The topic and the queue; None if the stack does not create them.
        log_bucket: The bucket; None if it already exists.
        flow_logs: The flow logs of this account and region.
        ingestion: The workspace half; None without ``[workspace]``.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        place = Place(account=environment.aws.account, region=environment.aws.region)
        super().__init__(scope, construct_id, env=place, description=f"VPC flow logs to Databricks: {environment.name}")
        self.reader = _reader(self, environment)
        self.notifications = _notifications(self, environment) if environment.job.notifications == "stack" else None
        existing = environment.log_bucket.existing
        self.log_bucket = None if existing else _log_bucket(self, environment, reader=self.reader)
        self.flow_logs = _flow_logs(self, environment, _of(environment, construct_id))
        ready: list[IDependable] = [self.reader]
        if self.log_bucket:
            self.flow_logs.node.add_dependency(self.log_bucket.policy)
            ready.append(self.log_bucket.policy)
        if self.notifications:
            # The notification exists before the job first lists the bucket, so the job misses no file in between.
            ready.append(_bucket_notification(self, environment, self.notifications, self.log_bucket))
        queue_url = self.notifications.queue.ref if self.notifications else None
        workspace = environment.workspace
        self.ingestion = _ingestion(self, environment, workspace, queue_url, ready) if workspace else None
        values = outputs(
            environment,
            job_parameters=job_parameters(environment, queue_url=queue_url),
            maintenance_parameters=maintenance_parameters(environment),
            workspace_outputs=self.ingestion.outputs if self.ingestion else {},
        )
        for key, value in values.items():
            CfnOutput(self, key, value=value)


class SourceStack(Stack):
    """The flow logs of another account and region. The bucket belongs to the main stack.

    Attributes:
        flow_logs: The flow logs.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, account: str, region: str
    ) -> None:
        place = Place(account=account, region=region)
        super().__init__(scope, construct_id, env=place, description=f"VPC flow logs for {environment.name}")
        self.flow_logs = _flow_logs(self, environment, _of(environment, construct_id))


def build(app: App, environment: Environment) -> MainStack:
    """Create all stacks of an environment in an app; return the main stack."""
    main = MainStack(app, names.stack_name(environment), environment=environment)
    for source in deliveries.sources(environment):
        if names.stack_of(environment, source.account, source.region) != main.stack_name:
            other = SourceStack(
                app,
                names.stack_of(environment, source.account, source.region),
                environment=environment,
                account=source.account,
                region=source.region,
            )
            # AWS does not create a flow log if the bucket or its policy is missing.
            other.add_stack_dependency(main)
    Tags.of(app).add(names.ENVIRONMENT_TAG, environment.name)
    return main


def _of(environment: Environment, stack: str) -> list[FlowLog]:
    return [
        flow_log
        for flow_log in environment.flow_logs
        if names.stack_of(environment, *deliveries.source_of(environment, flow_log)) == stack
    ]


def _flow_logs(scope: Construct, environment: Environment, flow_logs: Iterable[FlowLog]) -> FlowLogs:
    return FlowLogs(
        scope,
        "FlowLogs",
        flow_logs=flow_logs,
        bucket_arn=names.bucket_arn(environment),
        prefix=environment.log_bucket.prefix,
    )


def _reader(scope: Construct, environment: Environment) -> ReaderRole:
    return ReaderRole(
        scope,
        "Reader",
        name=environment.reader.role_name,
        trust=policies.reader_trust(environment),
        policies=policies.reader_policies(environment),
        databricks_role_name=names.databricks_role_name(environment),
        pass_role=policies.pass_role(environment),
    )


def _notifications(scope: Construct, environment: Environment) -> Notifications:
    return Notifications(
        scope,
        "Notifications",
        topic_name=names.topic_name(environment),
        queue_name=names.queue_name(environment),
        dead_letters_name=names.dead_letters_name(environment),
        kms_key_arn=environment.log_bucket.kms_key_arn,
        topic_policy=policies.topic_policy(environment),
        queue_policy=policies.queue_policy(environment),
        dead_letters_policy=policies.dead_letters_policy(environment),
    )


def _bucket_notification(
    scope: Construct, environment: Environment, notifications: Notifications, log_bucket: LogBucket | None
) -> BucketNotification:
    return BucketNotification(
        scope,
        "BucketNotification",
        bucket_name=environment.log_bucket.name,
        logs_prefix=names.logs_prefix(environment),
        topic_arn=notifications.topic.ref,
        function_role=FunctionRole(
            name=names.notification_writer_name(environment),
            trust=policies.notification_writer_trust(environment),
            policy=policies.notification_writer(environment),
        ),
        # S3 tests the topic when the notification is set, and an event published before the queue is subscribed is
        # lost. S3 also rejects concurrent changes to a bucket, so the bucket policy comes first.
        after=[*notifications.ready, *([log_bucket.policy] if log_bucket else [])],
    )


def _log_bucket(scope: Construct, environment: Environment, *, reader: ReaderRole) -> LogBucket:
    bucket = environment.log_bucket
    return LogBucket(
        scope,
        "LogBucket",
        name=bucket.name,
        logs_prefix=names.logs_prefix(environment),
        retention_days=bucket.retention_days,
        kms_key_arn=bucket.kms_key_arn,
        policy=policies.bucket_policy(environment),
        # S3 rejects a policy that names a role that does not exist.
        policy_after=[reader.role],
    )


def _ingestion(
    scope: Construct, environment: Environment, workspace: Workspace, queue_url: str | None, after: list[IDependable]
) -> Ingestion:
    return Ingestion(
        scope,
        "Ingestion",
        function_role=FunctionRole(
            name=names.registration_name(environment),
            trust=registration_policies.function_trust(environment),
            policy=registration_policies.function_policy(environment),
        ),
        check_name=names.check_name(environment),
        provider_roles=_provider_roles(environment),
        # Only CloudFormation knows the queue's URL, so the JSON contains a reference.
        spec=workspace_spec(environment, queue_url=queue_url).to_json(),
        secret_arn=workspace.secret_arn,
        has_maintenance=environment.maintenance.enabled,
        has_dashboard=workspace.warehouse_id is not None,
        after=after,
    )


def _provider_roles(environment: Environment) -> ProviderRoles:
    return ProviderRoles(
        provider=FunctionRole(
            name=names.provider_name(environment),
            trust=registration_policies.provider_trust(environment),
            policy=registration_policies.provider_policy(environment),
        ),
        check=FunctionRole(
            name=names.provider_check_name(environment),
            trust=registration_policies.provider_check_trust(environment),
            policy=registration_policies.provider_check_policy(environment),
        ),
        timeout_name=names.provider_timeout_name(environment),
        waiter=FunctionRole(
            name=names.waiter_name(environment),
            trust=registration_policies.waiter_trust(environment),
            policy=registration_policies.waiter_policy(environment),
        ),
    )
