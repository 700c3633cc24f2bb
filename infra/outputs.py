"""What a deployed stack tells: names to use, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Mapping

from infra.environment import names
from infra.environment.schema import Environment
from vpc_flow_logs import __version__


def outputs(
    environment: Environment, job_parameters: Mapping[str, str], made_in_workspace: Mapping[str, str]
) -> dict[str, str]:
    """The outputs of the main stack, by name; ``made_in_workspace`` are those of the custom resource."""
    found = {
        "BucketName": environment.log_bucket.name,
        "ReaderRoleArn": names.role_arn(environment),
        "InstanceProfileArn": names.profile_arn(environment),
        "Table": environment.job.table,
        **made_in_workspace,
        "Version": __version__,
    }
    if "queue-url" in job_parameters:
        found["QueueUrl"] = job_parameters["queue-url"]
    if environment.workspace is None:
        found["RegisterByHand"] = _register(environment, job_parameters)
    review = f"review/{environment.name}"
    if environment.log_bucket.existing:
        found["AddToBucketPolicy"] = (
            f"The bucket {environment.log_bucket.name} is not this stack's: add the statements of "
            f"{review}/log-bucket-policy.json to its policy (those of log-bucket-policy-before-deploy.json were needed "
            "for the flow logs; the reader's work only now that its role exists)"
        )
    if environment.log_bucket.kms_key_arn:
        found["AddToKeyPolicy"] = (
            f"The key {environment.log_bucket.kms_key_arn} is not this stack's: its policy needs the statements of "
            f"{review}/kms-key-policy.json, or flow logs are ACTIVE and deliver nothing"
        )
    return found


def _register(environment: Environment, job_parameters: Mapping[str, str]) -> str:
    """The guide's steps 6 to 9, for an environment without ``[workspace]``."""
    parameters = " ".join(f"--{name}={value}" for name, value in job_parameters.items())
    return (
        f"In the workspace: 1. Settings, Security, Instance profiles: add {names.profile_arn(environment)} and give it "
        "to who runs the job. 2. A job with one Python wheel task (package vpc_flow_logs, entry point ingest) on a job "
        "cluster 18.x-scala2.13, dedicated access mode, with that instance profile. "
        f"3. Its parameters: {parameters}"
    )
