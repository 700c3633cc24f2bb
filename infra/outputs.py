"""Outputs of the main stack: names to use, and the remaining steps to do by hand."""

from __future__ import annotations

from collections.abc import Mapping

from infra.environment import names
from infra.environment.schema import Environment
from vpc_flow_logs import __version__


def outputs(
    environment: Environment,
    *,
    job_parameters: Mapping[str, str],
    maintenance_parameters: Mapping[str, str],
    workspace_outputs: Mapping[str, str],
) -> dict[str, str]:
    """Return the outputs of the main stack by name.

    Args:
        environment: The settings.
        job_parameters: The named parameters of the streaming job.
        maintenance_parameters: The named parameters of the maintenance job.
        workspace_outputs: The outputs of the custom resource.
    """
    values = {
        "BucketName": environment.log_bucket.name,
        "ReaderRoleArn": names.role_arn(environment),
        "InstanceProfileArn": names.profile_arn(environment),
        "Table": environment.job.table,
        **workspace_outputs,
        "Version": __version__,
    }
    if "queue-url" in job_parameters:
        values["QueueUrl"] = job_parameters["queue-url"]
    if environment.workspace is None:
        values["RegisterByHand"] = _register(environment, job_parameters, maintenance_parameters)
    review = f"review/{environment.name}"
    if environment.log_bucket.existing:
        values["AddToBucketPolicy"] = (
            f"This stack does not manage the policy of the bucket {environment.log_bucket.name}. Add the statements in "
            f"{review}/log-bucket-policy.json to it. The flow logs already needed those in "
            "log-bucket-policy-before-deploy.json; those for the reader role can be added now that the role exists"
        )
    if environment.log_bucket.kms_key_arn:
        values["AddToKeyPolicy"] = (
            f"This stack does not manage the policy of the key {environment.log_bucket.kms_key_arn}. It needs the "
            f"statements in {review}/kms-key-policy.json; without them flow logs are ACTIVE but deliver nothing"
        )
    return values


def _register(
    environment: Environment, job_parameters: Mapping[str, str], maintenance_parameters: Mapping[str, str]
) -> str:
    """Return the guide's steps 6 to 9 and the maintenance job, for an environment without ``[workspace]``."""
    steps = (
        f"In the workspace: 1. In Settings, Security, Instance profiles, add {names.profile_arn(environment)} and "
        "grant it to the user or service principal that runs the job. 2. Create a job with one Python wheel task "
        "(package vpc_flow_logs, entry point ingest) on a job cluster with 18.x-scala2.13, dedicated access mode and "
        f"that instance profile. 3. Give the task these parameters: {_command_line(job_parameters)}"
    )
    if environment.maintenance.enabled:
        steps += (
            ". 4. Create another job like it, with the entry point maintain, on the schedule "
            f"{environment.maintenance.schedule} (UTC), with these parameters: {_command_line(maintenance_parameters)}"
        )
    return steps


def _command_line(parameters: Mapping[str, str]) -> str:
    return " ".join(f"--{name}={value}" for name, value in parameters.items())
