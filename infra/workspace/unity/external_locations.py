"""Unity Catalog external locations that cover the logs or the table's folder.

Below an external location, Unity Catalog controls access and the instance profile has no effect: "if a user does not
have access to an external location … the request fails" (databricks-sdk, ExternalLocationsAPI). An external table of
Unity Catalog needs one. The caller may not see everything: the list contains only locations on which the caller has a
privilege, and grants may be hidden. Uncertain results are therefore notes and not problems.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.catalog import ExternalLocationInfo, Privilege

from infra.workspace.errors import composed
from infra.workspace.explain import explaining, message_of
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.unity.unity_names import UnityNames

_KIND = "external_location"
_READING = (Privilege.READ_FILES, Privilege.ALL_PRIVILEGES)


@dataclass
class Findings:
    """The findings on external locations; ``if_denied`` is the advice for a run that cannot read the logs."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    if_denied: str = ""


def check(client: WorkspaceClient, spec: WorkspaceSpec, names: UnityNames) -> Findings:
    """Check the locations that cover the logs and, for a Unity Catalog external table, the table's folder."""
    with explaining("Listing the Unity Catalog external locations"):
        logs = spec.logs.path.split("*")[0]
        try:
            # Pages may be empty; the SDK reads until there is no next page.
            locations = list(client.external_locations.list(max_results=0, include_browse=True))
        except PermissionDenied as error:
            return Findings(notes=[_not_listed(logs, error)])
        except (BadRequest, NotFound):  # a workspace without Unity Catalog
            return Findings()
        findings = Findings(problems=_table_problems(client, spec, names, locations))
        findings.notes += _roll_up_notes(spec, names, locations)
        location = covering(locations, logs)
        if location is not None:
            _check_logs(client, location, findings)
            findings.notes += _event_notes(spec, location)
        return findings


def _not_listed(logs: str, error: Exception) -> str:
    return composed(
        "the Unity Catalog external locations cannot be listed",
        detail=message_of(error),
        advice=f"If one covers {logs}, the service principal needs READ FILES on it; the instance profile has no "
        "effect there",
    )


def covering(locations: Iterable[ExternalLocationInfo], path: str) -> ExternalLocationInfo | None:
    """Return the most specific location that covers a path: the one with the longest URL."""
    candidates = [location for location in locations if _bare(path).startswith(_bare(location.url or "?"))]
    return max(candidates, key=lambda location: len(_bare(location.url or "")), default=None)


def _bare(url: str) -> str:
    """Normalize a URL: one trailing slash, and the scheme s3 for all S3 schemes."""
    scheme, separator, rest = url.rstrip("/").partition("://")
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}{separator}{rest}/"


def _table_problems(
    client: WorkspaceClient, spec: WorkspaceSpec, names: UnityNames, locations: list[ExternalLocationInfo]
) -> list[str]:
    path = _table_path(spec, names)
    if names.table is None or not path:
        return []
    uncovered = [folder for folder in (path, f"{path}_quarantine") if covering(locations, folder) is None]
    if not uncovered or _is_there(client, names.table):
        return []
    problem = (
        f"the Unity Catalog table {names.table} cannot be stored in {' and '.join(uncovered)} (job.delta_output_path): "
        "no external location that the service principal can see covers it. Remove job.delta_output_path for a managed "
        "table, or create the location and grant the service principal READ FILES and CREATE EXTERNAL TABLE on it"
    )
    return [problem]


def _roll_up_notes(spec: WorkspaceSpec, names: UnityNames, locations: list[ExternalLocationInfo]) -> list[str]:
    """Return a note if no location covers the folder of the hourly roll-up, which the maintenance job creates."""
    path = _table_path(spec, names)
    if not path or spec.maintenance is None or covering(locations, f"{path}_hourly") is not None:
        return []
    text = (
        f"no external location that the service principal can see covers {path}_hourly, where the maintenance job "
        "creates the hourly roll-up. Create a location that covers it and grant the service principal READ FILES and "
        "CREATE EXTERNAL TABLE on it, or set maintenance.enabled = false"
    )
    return [text]


def _table_path(spec: WorkspaceSpec, names: UnityNames) -> str:
    """Return the folder of a Unity Catalog table in S3; empty for any other table."""
    path = (spec.job.parameters.get("delta-output-path") or "").rstrip("/")
    return path if names.table is not None and path.startswith("s3") else ""


def _is_there(client: WorkspaceClient, table: str) -> bool:
    """Return whether a table exists; its creator then had the required privileges, so there is no problem."""
    try:
        return bool(client.tables.exists(table).table_exists)
    except (BadRequest, NotFound, PermissionDenied):
        return False


def _check_logs(client: WorkspaceClient, location: ExternalLocationInfo, findings: Findings) -> None:
    me = client.current_user.me()
    user = me.user_name or ""
    groups = [group.display for group in me.groups or [] if group.display]
    grant = f"GRANT READ FILES ON EXTERNAL LOCATION `{location.name}` TO `{user}`"
    granted = _has_read_files(client, location, {user, *groups, "account users"})
    if granted:
        state = "has READ FILES"
    elif granted is None:
        state = f"needs READ FILES: {grant}"
    else:
        state = f"has no visible READ FILES privilege: {grant}"
    findings.notes.append(
        f"the external location {location.name} ({location.url}) covers the logs (the longest URL among the locations "
        "that the service principal can see). Unity Catalog, not the instance profile, controls access there. The job "
        f"runs as {user}, which {state}"
    )
    if not granted:
        covers = f"The external location {location.name} covers the logs, and the instance profile has no effect"
        findings.if_denied = f"{covers} there: {grant}"


def _has_read_files(client: WorkspaceClient, location: ExternalLocationInfo, names: set[str]) -> bool | None:
    """Return whether one of the principals has READ FILES; None if the grants are not visible."""
    if location.owner in names:
        return True
    try:
        assignments = client.grants.get_effective(_KIND, location.name or "").privilege_assignments or []
    except (BadRequest, NotFound, PermissionDenied):
        return None
    return any(
        privilege.privilege in _READING
        for assignment in assignments
        if assignment.principal in names
        for privilege in assignment.privileges or []
    )


def _event_notes(spec: WorkspaceSpec, location: ExternalLocationInfo) -> list[str]:
    queue = location.effective_file_event_queue
    provided = queue is not None and queue.provided_sqs is not None
    if not location.effective_enable_file_events or provided or spec.job.parameters.get("notifications") == "off":
        return []
    text = (
        f"file events are enabled on the external location {location.name}: they keep a notification on the bucket, "
        "and S3 rejects a second one for the same keys, whether Auto Loader or the stack creates it. Set "
        'job.notifications = "off", or disable file events on that location. With file events, only a stream with '
        "cloudFiles.useManagedFileEvents receives notifications"
    )
    return [text]
