"""Runs the tasks of a workspace: each on Spark in a process of its own, with the rights of its instance profile."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import local
from local.aws import Emulator, Refused
from local.aws.emulator import HERE, trust
from local.runs import wheel
from local.runs.instance import Ec2
from local.runs.process import RunningTask
from local.runs.storage import Storage
from local.runs.task import Task
from local.workspace import LaunchError, RunRequest

# What a process of any kind needs; what AWS is reached with comes from the profile alone.
_KEPT = ("JAVA_HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONDONTWRITEBYTECODE", "TZ")


@dataclass
class ClusterRunner:
    """A `Runner` of the workspace.

    Attributes:
        stage: the AWS that the clusters are in.
        launcher: ARN of the cross-account role.
        folder: everything of the runs and of the workspace's storage is below.
        running: the tasks that were started, by their run ids.
    """

    stage: Emulator
    launcher: str
    folder: Path
    running: dict[int, RunningTask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the storage."""
        self.ec2 = Ec2(self.stage, launcher=self.launcher)
        self.storage = Storage((self.folder / "storage").absolute()).make()

    def object_to_profile(self, arn: str) -> str | None:
        """Say why AWS refuses the dry run for an instance profile, or None: what ``Behaviour`` asks for."""
        refusal = self.ec2.refusal(arn)
        return refusal and refusal[1]

    def start(self, request: RunRequest) -> RunningTask:
        """Start a task.

        Raises:
            LaunchError: when no instance starts with the task's profile, or a wheel of the task is none.
        """
        environment = self._environment(request.instance_profile_arn)
        folder = (self.folder / "runs" / str(request.run_id)).absolute()
        site, scratch = folder / "site", folder / "scratch"
        for made in (site, scratch):
            made.mkdir(parents=True)
        for library in request.libraries:
            file = folder / library.path.rsplit("/", 1)[-1]
            file.write_bytes(library.content)
            try:
                wheel.unpack(file, site)
            except zipfile.BadZipFile:
                text = f'Library installation failed for library due to user error for whl: "{library.path}".'
                raise LaunchError(f"{text} Error messages: it is no wheel", "LIBRARY_INSTALLATION_ERROR") from None
        task = Task(
            package=request.package_name,
            entry_point=request.entry_point,
            arguments=list(request.arguments),
            site=str(site),
            storage=str(self.storage.folder),
            scratch=str(scratch),
            failure=str(folder / "failure.json"),
            external_locations=sorted(request.unity_catalog.locations),
        )
        environment |= {"HOME": str(folder), "TMPDIR": str(scratch)}
        self.running[request.run_id] = RunningTask(task, folder=folder, environment=environment)
        return self.running[request.run_id]

    def _environment(self, profile: str) -> dict[str, str]:
        """All that the process has of this one's environment, and what its instance profile gives it."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = {
            "PYTHONPATH": str(Path(local.__file__).resolve().parents[1]),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": HERE,
            "no_proxy": HERE,
            "AWS_ENDPOINT_URL": self.stage.url,
            "AWS_REGION": self.stage.region,
            "AWS_DEFAULT_REGION": self.stage.region,
            # Neither a developer's profiles nor the machine's own role.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if self.stage.certificate:
            own |= trust(self.stage.certificate)
        if profile:
            refusal = self.ec2.refusal(profile)
            if refusal is not None:
                raise LaunchError(_not_launched("AWS_AUTHORIZATION_FAILURE (CLIENT_ERROR)", *refusal))
            try:
                given = self.ec2.credentials(profile)
            except Refused as error:
                reason = "CLOUD_PROVIDER_LAUNCH_FAILURE (CLOUD_FAILURE)"
                raise LaunchError(_not_launched(reason, "InvalidParameterValue", str(error))) from None
            own |= {"AWS_ACCESS_KEY_ID": given.key, "AWS_SECRET_ACCESS_KEY": given.secret}
            own |= {"AWS_SESSION_TOKEN": given.token} if given.token else {}
        return {**kept, **own}


def _not_launched(reason: str, code: str, message: str) -> str:
    """What the run of a cluster that did not start says."""
    cause = f"{reason}: aws_api_error_code:{code},aws_error_message:{message}"
    return f"Unexpected failure while waiting for the cluster to be ready. Cause: Unexpected state for cluster: {cause}"
