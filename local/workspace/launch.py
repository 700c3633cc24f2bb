"""Launch a task: pass its command line, wheels and cluster to the runner."""

from __future__ import annotations

from typing import Any

from local.workspace import files
from local.workspace.context import Workspace
from local.workspace.grants import privileges_on
from local.workspace.run_state import Run, TaskRun
from local.workspace.runner import LaunchError, Library, RunHandle, RunRequest, UnityCatalog
from local.workspace.state import State


def launch(workspace: Workspace, run: Run, task: TaskRun) -> RunHandle:
    """Start a task.

    Raises:
        LaunchError: if the instance profile is not registered, a wheel is missing, or the runner cannot start the task.
    """
    state = workspace.state
    wheel = task.task.get("python_wheel_task") or {}
    arn = (task.cluster.get("aws_attributes") or {}).get("instance_profile_arn", "")
    if arn and arn not in state.instance_profiles:
        raise LaunchError(f"The instance profile {arn} is not registered in this workspace.", "INVALID_CLUSTER_REQUEST")
    request = RunRequest(
        run_id=task.run_id,
        parent_run_id=run.run_id,
        job_id=run.job_id,
        task_key=task.task["task_key"],
        trigger=run.trigger,
        package_name=wheel.get("package_name", ""),
        entry_point=wheel.get("entry_point", ""),
        arguments=_arguments(wheel),
        libraries=tuple(_libraries(state, task.task)),
        instance_profile_arn=arn,
        iam_role_arn=(state.instance_profiles[arn].iam_role_arn or "") if arn else "",
        cluster=task.cluster,
        task=task.task,
        unity_catalog=_unity_catalog(state, run),
    )
    return workspace.runner.start(request)


def _unity_catalog(state: State, run: Run) -> UnityCatalog:
    """Return Unity Catalog as the run's cluster sees it, with the permissions of the run's identity."""
    identity = next((principal for principal in state.principals.values() if principal.name == run.run_as), None)
    locations = {
        location.url: frozenset(
            privileges_on(state, identity, f"external_location {location.name}") if identity else ()
        )
        for location in state.external_locations.values()
    }
    default = state.default_namespace or state.default_catalog
    return UnityCatalog(default, hive_metastore=state.hive_metastore, locations=locations)


def _arguments(wheel: dict[str, Any]) -> tuple[str, ...]:
    named = wheel.get("named_parameters", {})
    return (*wheel.get("parameters", []), *(f"--{name}={value}" for name, value in named.items()))


def _libraries(state: State, task: dict[str, Any]) -> list[Library]:
    """Return the task's wheels. The cluster itself reads wheels on S3, with the instance profile."""
    libraries = []
    for library in task.get("libraries", []):
        path = library.get("whl")
        if path is None or path.startswith("s3://"):
            continue
        content = files.read(state, path)
        if content is None:
            message = f'Library installation failed for library due to user error for whl: "{path}". Error messages: '
            raise LaunchError(f"{message}Library file does not exist: {path}", "LIBRARY_INSTALLATION_ERROR")
        libraries.append(Library(path, content))
    return libraries
