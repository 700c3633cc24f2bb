"""Runner of a workspace's tasks: each on Spark in a separate process, with the permissions of its instance profile."""

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

# Variables that any process needs. AWS credentials come only from the instance profile.
_INHERITED = ("JAVA_HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONDONTWRITEBYTECODE", "TZ")


@dataclass
class ClusterRunner:
    """A `Runner` of the workspace.

    Attributes:
        stage: the AWS emulator that the clusters run in.
        launcher: ARN of the cross-account role.
        folder: the folder for all runs and the workspace's storage.
        running: the started tasks, by run ID.
    """

    stage: Emulator
    launcher: str
    folder: Path
    running: dict[int, RunningTask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the storage."""
        self.ec2 = Ec2(self.stage, launcher=self.launcher)
        self.storage = Storage((self.folder / "storage").absolute()).make()

    def object_to_profile(self, arn: str) -> str | None:
        """Return AWS's error for the dry run with an instance profile, or None; a callback of ``Behavior``."""
        refusal = self.ec2.refusal(arn)
        return refusal and refusal[1]

    def start(self, request: RunRequest) -> RunningTask:
        """Start a task.

        Raises:
            LaunchError: an instance cannot start with the task's profile, or a library is not a valid wheel.
        """
        environment = self._environment(request.instance_profile_arn)
        folder = (self.folder / "runs" / str(request.run_id)).absolute()
        site, scratch = folder / "site", folder / "scratch"
        for subfolder in (site, scratch):
            subfolder.mkdir(parents=True)
        for library in request.libraries:
            file = folder / library.path.rsplit("/", 1)[-1]
            file.write_bytes(library.content)
            try:
                wheel.unpack(file, site)
            except zipfile.BadZipFile:
                text = f'Library installation failed for library due to user error for whl: "{library.path}".'
                raise LaunchError(f"{text} Error messages: not a valid wheel", "LIBRARY_INSTALLATION_ERROR") from None
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
        """Return the environment of a task's process, with the credentials of its instance profile."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        own = {
            "PYTHONPATH": str(Path(local.__file__).resolve().parents[1]),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": HERE,
            "no_proxy": HERE,
            "AWS_ENDPOINT_URL": self.stage.url,
            "AWS_REGION": self.stage.region,
            "AWS_DEFAULT_REGION": self.stage.region,
            # Use neither a developer's profiles nor the machine's role.
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
        return {**inherited, **own}


def _not_launched(reason: str, code: str, message: str) -> str:
    """Return the message of a run with a cluster that did not start."""
    cause = f"{reason}: aws_api_error_code:{code},aws_error_message:{message}"
    return f"Unexpected failure while waiting for the cluster to be ready. Cause: Unexpected state for cluster: {cause}"
