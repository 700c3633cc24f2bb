"""The two jobs of an environment, and how each is named and recognized."""

from __future__ import annotations

from dataclasses import dataclass

from databricks.sdk.service.jobs import BaseJob

from infra.workspace.spec import WorkspaceSpec

ENVIRONMENT_TAG = "vpc-flow-logs-environment"
"""Tag of both jobs and of the verify cluster; its value is the environment's name. Other jobs are never changed."""

KIND_TAG = "vpc-flow-logs-job"
"""Tag that distinguishes the jobs of an environment. The streaming job does not have it, as in version 0.1.0."""


@dataclass(frozen=True)
class JobKind:
    """One of the two jobs.

    Attributes:
        noun: the job in messages and in the names of steps.
        entry_point: the wheel's entry point, which is also the key of the job's task.
        tag: the value of ``KIND_TAG``; empty for a job without this tag.
        suffix: the end of the job's name. It contains a space, which the name of an environment cannot contain, so it
            never produces the name of another environment's job.
    """

    noun: str
    entry_point: str
    tag: str = ""
    suffix: str = ""

    def name(self, spec: WorkspaceSpec) -> str:
        """Return the job's name in the workspace."""
        return f"{spec.job.name}{self.suffix}"

    def tags(self, spec: WorkspaceSpec) -> dict[str, str]:
        """Return the tags that identify the job."""
        return {ENVIRONMENT_TAG: spec.environment, **({KIND_TAG: self.tag} if self.tag else {})}

    def owns(self, job: BaseJob, spec: WorkspaceSpec) -> bool:
        """Return whether a job in the workspace is this job of the environment."""
        tags = (job.settings.tags if job.settings else None) or {}
        return tags.get(ENVIRONMENT_TAG) == spec.environment and tags.get(KIND_TAG, "") == self.tag


STREAMING = JobKind("job", "ingest")
MAINTENANCE = JobKind("maintenance job", "maintain", tag="maintenance", suffix=" maintenance")
