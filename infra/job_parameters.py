"""The parameters that the deployed job is started with, as its entry points take them (`vpc_flow_logs.parameters`)."""

from __future__ import annotations

from infra.environment import deliveries
from infra.environment.schema import Environment

_NOTIFICATIONS = {"auto-loader": "auto-loader", "stack": "queue", "off": "off"}
_TRIGGERS = {"continuous": "continuous", "scheduled": "available-now"}


def job_parameters(environment: Environment, *, queue_url: str | None) -> dict[str, str]:
    """Return the named parameters of the job, without empty ones: a workspace may drop them.

    Args:
        environment: the settings.
        queue_url: URL of the queue that the stack made; None if it made none.
    """
    job = environment.job
    parameters = {
        "vpc-logs-path": deliveries.logs_path(environment),
        "delta-output-path": job.delta_output_path,
        "checkpoint-path": job.checkpoint_path,
        "table-name": job.table,
        "region-name": environment.aws.region,
        "headers": ",".join(deliveries.headers(environment)),
        "notifications": _NOTIFICATIONS[job.notifications],
        "trigger": _TRIGGERS[job.trigger],
        "queue-url": queue_url or "",
        # The job's own default is not sent.
        "new-checkpoint": "" if job.new_checkpoint == "refuse" else job.new_checkpoint,
    }
    return {name: value for name, value in parameters.items() if value}
