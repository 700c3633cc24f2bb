"""Policies of an environment: the documents of :mod:`infra.iam` with the environment's names.

The stacks attach exactly these policies, the review documents them, and the tests evaluate them.
"""

from __future__ import annotations

from dataclasses import replace

from infra.environment import deliveries, names
from infra.environment.schema import Environment
from infra.iam import Policy, Statement, kms_key, log_bucket, notifications, reader, registration, registration_policies
from infra.workspace.aws.arn import Arn


def policies(environment: Environment) -> tuple[Policy, ...]:
    """Return every policy of an environment, in review order."""
    all_policies = [reader_trust(environment), *reader_policies(environment), pass_role(environment)]
    all_policies += [bucket_policy(environment)]
    if environment.log_bucket.existing:
        all_policies += [bucket_policy_before_deploy(environment)]
    if environment.log_bucket.kms_key_arn:
        all_policies += [key_policy(environment)]
    if environment.job.notifications == "stack":
        all_policies += [topic_policy(environment), queue_policy(environment), dead_letters_policy(environment)]
        all_policies += [notification_writer_trust(environment), notification_writer(environment)]
    if environment.workspace:
        all_policies += registration_policies.policies(environment)
    return tuple(policy for policy in all_policies if policy.statements)


def reader_trust(environment: Environment) -> Policy:
    """Return the trust policy of the reader role."""
    title = f"Trust policy of the reader role {environment.reader.role_name}"
    return Policy(
        file="reader-role-trust.json", title=title, statements=reader.trust(), carrier=names.role_arn(environment)
    )


def reader_policies(environment: Environment) -> tuple[Policy, ...]:
    """Return the inline policies of the reader role, one per purpose, without empty ones."""
    name = environment.reader.role_name
    inline_policies = (
        Policy(
            file="reader-role-s3.json",
            name="s3",
            title=f"Inline policy s3 of the reader role {name}",
            statements=(
                *reader.read_logs(bucket_arn=names.bucket_arn(environment), logs_prefix=names.logs_prefix(environment)),
                *reader.write_outputs(
                    folder_arns=_folder_arns(environment, own_bucket=True)
                    + _folder_arns(environment, own_bucket=False),
                    other_bucket_arns=_other_bucket_arns(environment),
                ),
            ),
        ),
        Policy(
            file="reader-role-notifications.json",
            name="notifications",
            title=f"Inline policy notifications of the reader role {name}",
            statements=_reader_notifications(environment),
        ),
        Policy(
            file="reader-role-kms.json",
            name="kms",
            title=f"Inline policy kms of the reader role {name}",
            statements=_key_use(environment),
        ),
    )
    return tuple(
        replace(policy, carrier=names.role_arn(environment)) for policy in inline_policies if policy.statements
    )


def pass_role(environment: Environment) -> Policy:
    """Return the inline policy that the stack adds to the cross-account role."""
    return Policy(
        file="cross-account-pass-role.json",
        title=f"Inline policy added to the cross-account role {names.databricks_role_name(environment)}",
        statements=reader.pass_role(role_arn=names.role_arn(environment), region=environment.aws.region),
        carrier=environment.reader.databricks_role_arn,
    )


def bucket_policy(environment: Environment) -> Policy:
    """Return the policy of the log bucket; for an existing bucket, the statements that its owner adds to the policy."""
    bucket_arn = names.bucket_arn(environment)
    existing = environment.log_bucket.existing
    # The owner of an existing bucket decides whether to require TLS, because that affects all users of the bucket.
    tls = () if existing else log_bucket.tls(bucket_arn=bucket_arn)
    readers = log_bucket.reader(
        bucket_arn=bucket_arn,
        logs_prefix=names.logs_prefix(environment),
        folder_arns=_folder_arns(environment, own_bucket=True),
        role_arn=names.role_arn(environment),
    )
    name = environment.log_bucket.name
    return Policy(
        file="log-bucket-policy.json",
        title=f"Statements to add by hand to the policy of the existing bucket {name}, once the reader role exists"
        if existing
        else f"Policy of the log bucket {name}",
        statements=(*tls, *_delivery(environment), *readers),
    )


def bucket_policy_before_deploy(environment: Environment) -> Policy:
    """Return the statements that an existing bucket's policy needs before the deploy.

    Those for the reader role follow later, because S3 rejects a role that does not exist yet.
    """
    return Policy(
        file="log-bucket-policy-before-deploy.json",
        title="Statements to add by hand to the policy of the existing bucket "
        f"{environment.log_bucket.name} before the deploy",
        statements=_delivery(environment),
    )


def key_policy(environment: Environment) -> Policy:
    """Return the statements that the policy of the given KMS key needs before the deploy."""
    return Policy(
        file="kms-key-policy.json",
        title="Statements to add by hand to the policy of the key "
        f"{environment.log_bucket.kms_key_arn} before the deploy",
        statements=kms_key.key_policy(
            sources=deliveries.sources(environment),
            uses=_key_use(environment),
            account=environment.aws.account,
            role_arn=names.role_arn(environment),
            bucket_arn=names.bucket_arn(environment),
            topic_arn=names.topic_arn(environment) if environment.job.notifications == "stack" else None,
        ),
        carrier=environment.log_bucket.kms_key_arn or "",
    )


def topic_policy(environment: Environment) -> Policy:
    """Return the policy of the topic that the stack creates."""
    return Policy(
        file="topic-policy.json",
        title=f"Policy of the topic {names.topic_name(environment)}",
        statements=notifications.topic_policy(
            topic_arn=names.topic_arn(environment),
            bucket_arn=names.bucket_arn(environment),
            account=environment.aws.account,
        ),
    )


def queue_policy(environment: Environment) -> Policy:
    """Return the policy of the queue that the stack creates."""
    return Policy(
        file="queue-policy.json",
        title=f"Policy of the queue {names.queue_name(environment)}",
        statements=notifications.queue_policy(
            queue_arn=names.queue_arn(environment), topic_arn=names.topic_arn(environment)
        ),
    )


def dead_letters_policy(environment: Environment) -> Policy:
    """Return the policy of the dead-letter queue."""
    name = names.dead_letters_name(environment)
    return Policy(
        file="dead-letter-queue-policy.json",
        title=f"Policy of the dead-letter queue {name}",
        statements=notifications.dead_letters_policy(queue_arn=names.service_arn(environment, "sqs", name)),
    )


def notification_writer_trust(environment: Environment) -> Policy:
    """Return the trust policy of the role of the function that sets the bucket notification."""
    title = f"Trust policy of the role {names.notification_writer_name(environment)}"
    return Policy(file="notification-writer-role-trust.json", title=title, statements=registration.trust())


def notification_writer(environment: Environment) -> Policy:
    """Return the permissions of the function that sets the bucket notification and removes it with the stack."""
    return Policy(
        file="notification-writer-role.json",
        name="notification",
        title=f"Inline policy of the role {names.notification_writer_name(environment)}",
        statements=notifications.notification_writer(
            bucket_arn=names.bucket_arn(environment),
            log_group_arn=names.log_group_arn(environment, names.notification_writer_name(environment)),
        ),
    )


def _delivery(environment: Environment) -> tuple[Statement, ...]:
    return log_bucket.delivery(
        bucket_arn=names.bucket_arn(environment),
        logs_prefix=names.logs_prefix(environment),
        sources=deliveries.sources(environment),
    )


def _reader_notifications(environment: Environment) -> tuple[Statement, ...]:
    bucket_arn = names.bucket_arn(environment)
    if environment.job.notifications == "auto-loader":
        return notifications.auto_loader(
            bucket_arn=bucket_arn,
            topics_arn=names.service_arn(environment, "sns", notifications.AUTO_INGEST),
            queues_arn=names.service_arn(environment, "sqs", notifications.AUTO_INGEST),
        )
    if environment.job.notifications == "stack":
        return notifications.stack_queue_use(
            bucket_arn=bucket_arn,
            topic_arn=names.topic_arn(environment),
            queue_arn=names.queue_arn(environment),
        )
    return ()


def _key_use(environment: Environment) -> tuple[Statement, ...]:
    key_arn = environment.log_bucket.kms_key_arn
    if key_arn is None:
        return ()
    return kms_key.key_use(
        key_arn=key_arn,
        region=environment.aws.region,
        writes=bool(_folder_arns(environment, own_bucket=True)),
        queue=environment.job.notifications == "stack",
    )


def _folder_arns(environment: Environment, *, own_bucket: bool) -> list[str]:
    """Return the ARNs of the job's folders in the log bucket, or of those in other buckets."""
    partition = names.partition(environment.aws.region)
    return [
        str(Arn(partition=partition, service="s3", resource=f"{folder.bucket}/{folder.prefix}"))
        for folder in names.output_folders(environment)
        if (folder.bucket == environment.log_bucket.name) == own_bucket
    ]


def _other_bucket_arns(environment: Environment) -> list[str]:
    return sorted({arn.partition("/")[0] for arn in _folder_arns(environment, own_bucket=False)})
