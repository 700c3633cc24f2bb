"""Helpers for the deployment tests: a workspace over HTTP, settings for it, and snapshots of its contents."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.clock import Clock

from infra.workspace import deployment
from infra.workspace.aws.tear_down import Aws
from infra.workspace.client import connect
from infra.workspace.deployment import Deployment
from infra.workspace.job.job_kind import KIND_TAG
from infra.workspace.pace import Pace
from infra.workspace.spec import Logs, WorkspaceSpec
from infra.workspace.step import Step
from infra.workspace.wheel.wheel_file import WheelFile
from infra.workspace_spec import workspace_spec
from local.workspace import Credentials, State, WorkspaceServer, add_group, add_service_principal, add_user
from local.workspace.state import Dashboard, Job
from tests.support.environment_files import environment, maintenance

WHEEL = WheelFile(name="vpc_flow_logs-0.1.0-py3-none-any.whl", content=b"first", label="0.1.0-aaaaaaaaaaaa")
NEWER_WHEEL = replace(WHEEL, content=b"second", label="0.2.0-bbbbbbbbbbbb")

WAREHOUSE = "0123456789abcdef"
"""ID of a SQL warehouse in the workspace."""

TEMPLATE = '{"datasets": [{"queryLines": ["SELECT * FROM `<table>_all_fields`"]}], "pages": [{"name": "a"}]}\n'
"""The template of a dashboard."""

NEWER_TEMPLATE = TEMPLATE.replace('"a"', '"b"')

READER = "01234567-89ab-cdef-0123-456789abcdef"
"""Application ID of a service principal in the workspace."""


class Hurried(Clock):
    """A clock for the SDK that does not wait: each sleep only advances the time."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def time(self) -> float:
        return time.time() + self._skipped

    def sleep(self, seconds: float) -> None:
        self._skipped += seconds


@dataclass
class Bucket:
    """S3, SNS and SQS without Auto Loader resources; ``reads`` counts the reads of the bucket's notifications."""

    reads: int = 0

    def get_bucket_notification_configuration(self, **_: str) -> dict[str, Any]:
        self.reads += 1
        return {}

    @property
    def clients(self) -> Aws:
        return Aws(s3=self, sns=None, sqs=None)


@dataclass
class Stage:
    """A workspace that has the principals of the settings, and the calls to deploy to it."""

    server: WorkspaceServer
    folder: Path
    deployer: Credentials
    bucket: Bucket = field(default_factory=Bucket)
    steps: list[Step] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    patience: int = 2_000

    def spec(self, *changes: tuple[str, str], name: str = "test") -> WorkspaceSpec:
        """Return the settings of the simplest environment file with ``changes`` and this workspace's address."""
        spec = workspace_spec(environment(self.folder, *changes, name=name), queue_url=None)
        return replace(spec, host=self.server.host)

    def client(self, *, token: str | None = None) -> WorkspaceClient:
        return connect(self.server.host, secret={"token": token or self.deployer.token}, clock=Hurried())

    def pace(self) -> Pace:
        moments = iter(range(10_000))
        return Pace(
            later=self._wait,
            report=self.steps.append,
            sleep=lambda _: None,
            clock=lambda: next(moments),
        )

    def deploy(
        self,
        spec: WorkspaceSpec,
        *,
        wheel: WheelFile = WHEEL,
        client: WorkspaceClient | None = None,
        template: str = TEMPLATE,
        **more: Any,
    ) -> Deployment:
        return deployment.deploy(
            client or self.client(),
            spec,
            wheel_file=wheel,
            aws=self.bucket.clients,
            pace=self.pace(),
            template=template,
            **more,
        )

    def destroy(self, spec: WorkspaceSpec, *, whole: bool = True) -> tuple[Step, ...]:
        return deployment.destroy(self.client(), spec, aws=self.bucket.clients, pace=self.pace(), whole=whole)

    def verify(self, spec: WorkspaceSpec) -> tuple[Step, ...]:
        return deployment.verify(self.client(), spec, wheel_file=WHEEL, pace=self.pace())

    def writing(self) -> list[str]:
        """Return the write requests since the log was cleared."""
        return [str(request) for request in self.server.log.writing()]

    def _wait(self, text: str) -> None:
        self.waited.append(text)
        assert len(self.waited) < self.patience, f"waited too long: {text}"
        time.sleep(0.005)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Start a workspace with the principals, catalog and node type in the settings."""
    with WorkspaceServer() as server:
        state = server.state
        for group in ("network-engineers", "auditors", "operators"):
            add_group(state, group)
        add_user(state, "jane@example.com")
        add_service_principal(state, "reader")
        state.principal("reader").name = READER
        state.catalogs["network"] = "admins"
        state.warehouses[WAREHOUSE] = "Shared"
        state.node_types.setdefault("m6gd.large", {**state.node_types["m5d.large"], "node_type_id": "m6gd.large"})
        yield Stage(server=server, folder=folder, deployer=server.credentials)


def streaming_job(state: State) -> Job:
    """Return the only streaming job in a workspace."""
    (job,) = (job for job in state.jobs.values() if KIND_TAG not in job.settings.get("tags", {}))
    return job


def maintenance_job(state: State) -> Job:
    """Return the only maintenance job in a workspace."""
    (job,) = (job for job in state.jobs.values() if job.settings.get("tags", {}).get(KIND_TAG) == "maintenance")
    return job


GROUP = ("[workspace.cluster]", 'groups = ["network-engineers"]\n\n[workspace.cluster]')
EVERYONE = (
    "[workspace.cluster]",
    f"""groups = ["network-engineers"]
users = ["jane@example.com"]
service_principals = ["{READER}"]

[workspace.cluster]""",
)
READERS = ('trigger = "continuous"', 'trigger = "continuous"\ncan_view = ["auditors"]\ncan_manage = ["operators"]')
MAIL = ('trigger = "continuous"', 'trigger = "continuous"\nemail_on_failure = ["oncall@example.com"]')
SCHEDULED = ('trigger = "continuous"', 'trigger = "scheduled"\nschedule = "0 0/15 * * * ?"')
PAUSED = ('trigger = "continuous"', 'trigger = "continuous"\npause = true')
DASHBOARD = ("[workspace.cluster]", f'warehouse_id = "{WAREHOUSE}"\n\n[workspace.cluster]')
NO_VERIFY = ("[workspace.cluster]", "verify = false\n\n[workspace.cluster]")
STACK_QUEUE = ('"auto-loader"', '"stack"')
OFF = ('"auto-loader"', '"off"')
NO_MAINTENANCE = maintenance("enabled = false")
OTHER_ROLE = ('"flow-log-reader"', '"flow-log-reader-2"')


def snapshot(state: State) -> dict[str, Any]:
    """Return the contents of a workspace without IDs and times, so that equal deployments compare equal."""
    jobs = sorted(state.jobs.values(), key=lambda job: job.job_id)
    return {
        "profiles": sorted((profile.arn, profile.iam_role_arn) for profile in state.instance_profiles.values()),
        "roles": {principal.name: principal.roles for principal in state.principals.values() if principal.roles},
        "objects": {path: _content(item.content) for path, item in sorted(state.objects.items())},
        "jobs": [(job.settings, sorted((p.key, p.level) for p in job.permissions)) for job in jobs],
        "running": [run.name for run in state.runs.values() if not run.ended],
        "schemas": sorted(state.schemas),
        "volumes": sorted(state.volumes),
        "dashboards": [_dashboard(each) for each in state.dashboards.values() if not each.trashed],
    }


def _dashboard(dashboard: Dashboard) -> dict[str, Any]:
    published = dashboard.published or {}
    return {
        "path": dashboard.path,
        "content": dashboard.content,
        "warehouse": dashboard.warehouse_id,
        "published": (dashboard.published_content, published.get("embed_credentials"), published.get("warehouse_id")),
        "permissions": sorted((each.key, each.level) for each in dashboard.permissions),
    }


def _content(content: bytes) -> str:
    """Return a file's text without IDs, tokens and etags, which differ between deployments."""
    return re.sub(r'"(run_id|token|id|etag)": [^,\n]+', r'"\1": …', content.decode(errors="replace"))


STREAM = Logs(bucket="flow-logs-bucket", prefix="AWSLogs/", path="s3://flow-logs-bucket/AWSLogs/*")
