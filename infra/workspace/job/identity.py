"""The job's run-as identity, which is its owner: the verify run and the deployment's grants apply to this principal.

Users with CAN_MANAGE can set another identity by hand (``run_as``). A reset without ``run_as`` does not clear it
(databricks/cli issue 4873), so the deployment sets the owner explicitly.
"""

from __future__ import annotations

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import Job, JobRunAs

from infra.workspace.job import permissions


def to_set_again(client: WorkspaceClient, job: Job) -> JobRunAs | None:
    """Return the owner as the identity to set if a job runs as another identity; otherwise None."""
    runs_as = job.run_as_user_name
    if not runs_as or job.job_id is None:
        return None
    owner = permissions.owner(client, job.job_id)
    if owner is None or owner[1].casefold() == runs_as.casefold():
        return None
    kind, name = owner
    return JobRunAs(service_principal_name=name) if kind == "service_principal_name" else JobRunAs(user_name=name)
