"""External locations of Unity Catalog that cover the logs or the table's folder.

Below such a location Unity Catalog decides who reads and writes, and never the instance profile: "if a user does not
have access to an external location … the request fails" (databricks-sdk, ExternalLocationsAPI). A table of Unity
Catalog in a folder of its own needs one. What can be seen is not everything: only locations on which the caller has
some privilege are listed, and not everyone may see who has which. So what is not certain is a note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.catalog import ExternalLocationInfo, Privilege

from infra.workspace.errors import composed
from infra.workspace.explain import saying, words_of
from infra.workspace.spec import WorkspaceSpec
from infra.workspace.unity.unity_names import UnityNames

_KIND = "external_location"
_READING = (Privilege.READ_FILES, Privilege.ALL_PRIVILEGES)


@dataclass
class Seen:
    """What the look at the locations came to; ``if_denied`` is what to do where the logs cannot be read."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    if_denied: str = ""


def look(client: WorkspaceClient, spec: WorkspaceSpec, names: UnityNames) -> Seen:
    """Look at the locations over the logs and, for a table of Unity Catalog with a folder of its own, over that."""
    with saying("Looking at the external locations of Unity Catalog"):
        logs = spec.logs.path.split("*")[0]
        try:
            # Pages, of which some may be empty: the SDK reads on until there is no next one.
            locations = list(client.external_locations.list(max_results=0, include_browse=True))
        except PermissionDenied as error:
            return Seen(notes=[_not_listed(logs, error)])
        except (BadRequest, NotFound):  # a workspace without Unity Catalog
            return Seen()
        seen = Seen(problems=_table_problems(client, spec, names, locations))
        location = covering(locations, logs)
        if location is not None:
            _look_at_logs(client, location, seen)
            seen.notes += _event_notes(spec, location)
        return seen


def _not_listed(logs: str, error: Exception) -> str:
    return composed(
        "the external locations of Unity Catalog cannot be listed",
        words=words_of(error),
        advice=f"If one covers {logs}, the service principal needs READ FILES on it: the instance profile counts for "
        "nothing there",
    )


def covering(locations: Iterable[ExternalLocationInfo], path: str) -> ExternalLocationInfo | None:
    """Return the location with the longest URL that a path lies below."""
    found = [location for location in locations if _bare(path).startswith(_bare(location.url or "?"))]
    return max(found, key=lambda location: len(_bare(location.url or "")), default=None)


def _bare(url: str) -> str:
    """Return a URL in one spelling: a slash at its end, and one scheme for S3."""
    scheme, separator, rest = url.rstrip("/").partition("://")
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}{separator}{rest}/"


def _table_problems(
    client: WorkspaceClient, spec: WorkspaceSpec, names: UnityNames, locations: list[ExternalLocationInfo]
) -> list[str]:
    path = (spec.job.parameters.get("delta-output-path") or "").rstrip("/")
    if names.table is None or not path.startswith("s3"):
        return []
    uncovered = [folder for folder in (path, f"{path}_quarantine") if covering(locations, folder) is None]
    if not uncovered or _is_there(client, names.table):
        return []
    problem = (
        f"the table {names.table} of Unity Catalog cannot lie in {' and '.join(uncovered)} (job.delta_output_path): no "
        "external location that the service principal can see covers it. Remove job.delta_output_path (the table is "
        "then a managed one), or create the location and grant the service principal READ FILES and CREATE EXTERNAL "
        "TABLE on it"
    )
    return [problem]


def _is_there(client: WorkspaceClient, table: str) -> bool:
    """Return whether a table is there: then somebody had what creating it takes, and this is no reason to refuse."""
    try:
        return bool(client.tables.exists(table).table_exists)
    except (BadRequest, NotFound, PermissionDenied):
        return False


def _look_at_logs(client: WorkspaceClient, location: ExternalLocationInfo, seen: Seen) -> None:
    me = client.current_user.me()
    who = me.user_name or ""
    groups = [group.display for group in me.groups or [] if group.display]
    grant = f"GRANT READ FILES ON EXTERNAL LOCATION `{location.name}` TO `{who}`"
    granted = _has_read_files(client, location, {who, *groups, "account users"})
    if granted:
        state = "has READ FILES"
    elif granted is None:
        state = f"needs READ FILES: {grant}"
    else:
        state = f"has no READ FILES that can be seen: {grant}"
    seen.notes.append(
        f"the external location {location.name} ({location.url}) covers the logs (the longest URL among the locations "
        "that the service principal can see). Unity Catalog, and not the instance profile, decides who reads there; "
        f"{who}, as whom the job runs, {state}"
    )
    if not granted:
        covers = f"The external location {location.name} covers the logs, and the instance profile counts for nothing"
        seen.if_denied = f"{covers} there: {grant}"


def _has_read_files(client: WorkspaceClient, location: ExternalLocationInfo, names: set[str]) -> bool | None:
    """Return whether one of the names may read; None where the grants cannot be seen."""
    if location.owner in names:
        return True
    try:
        found = client.grants.get_effective(_KIND, location.name or "").privilege_assignments or []
    except (BadRequest, NotFound, PermissionDenied):
        return None
    ours = [privilege.privilege for one in found if one.principal in names for privilege in one.privileges or []]
    return any(privilege in _READING for privilege in ours)


def _event_notes(spec: WorkspaceSpec, location: ExternalLocationInfo) -> list[str]:
    queue = location.effective_file_event_queue
    provided = queue is not None and queue.provided_sqs is not None
    if not location.effective_enable_file_events or provided or spec.job.parameters.get("notifications") == "off":
        return []
    text = (
        f"the external location {location.name} has file events: they keep a notification on the bucket, and S3 "
        "refuses a second one for the same keys, whether Auto Loader or the stack makes it. Set job.notifications = "
        '"off", or switch the file events of that location off. To be notified there, a stream has to use them '
        "(cloudFiles.useManagedFileEvents)"
    )
    return [text]
