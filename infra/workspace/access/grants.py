"""Grant groups, users and service principals the use of the instance profile, which SCIM lists among their roles.

Grants by others stay unchanged. The memory records this deployment's own grants before they are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceConflict
from databricks.sdk.service import iam

from infra.workspace.access import principals
from infra.workspace.access.principals import Principal
from infra.workspace.errors import DeploymentError
from infra.workspace.explain import explaining
from infra.workspace.memory import Memory
from infra.workspace.pace import Pace
from infra.workspace.step import Step

_READ_BACK = 3
"""Number of attempts to read a new grant, one second apart."""


def grant(
    client: WorkspaceClient,
    *,
    profile: str,
    ids: Mapping[Principal, str],
    memory: Memory,
    pace: Pace,
) -> list[Step]:
    """Grant a profile to principals, and revoke this deployment's grants to principals that are no longer listed.

    Args:
        client: client for the workspace.
        profile: ARN of the profile.
        ids: IDs of the principals in the settings.
        memory: records the grants before they are made.
        pace: waits between attempts and checks the remaining time.

    Raises:
        DeploymentError: the workspace rejects the grant, or accepts it without applying it.
    """
    own = {Principal.of(text) for text in memory.value.granted.get(profile, ())}
    missing = [principal for principal, id_ in ids.items() if not _has(client, principal, id_, profile)]
    dropped = sorted(own - set(ids))
    known = sorted(own | set(missing))
    memory.update_grants(profile, map(str, known))
    steps = [Step(f"grant to {principal}", "unchanged") for principal in ids if principal not in missing]
    for principal in missing:
        pace.check()
        _give(client, principal, ids[principal], profile, pace=pace)
        steps.append(Step(f"grant to {principal}", "created"))
    steps += withdraw(client, profile=profile, whom=dropped)
    memory.update_grants(profile, (str(principal) for principal in known if principal not in dropped))
    return steps


def withdraw(client: WorkspaceClient, *, profile: str, whom: Sequence[Principal]) -> list[Step]:
    """Revoke the grants of a profile; skip principals that no longer exist or no longer have it."""
    steps = []
    for principal, id_ in principals.ids(client, whom).items():
        with explaining(f"Revoking the instance profile from the {principal}"):
            if _has(client, principal, id_, profile):
                try:
                    principals.patch(client, principal.kind, id_, _remove(profile))
                except NotFound:
                    continue
                steps.append(Step(f"grant to {principal}", "removed"))
    return steps


def _has(client: WorkspaceClient, principal: Principal, id_: str, profile: str) -> bool:
    with explaining(f"Reading the {principal}"):
        try:
            return profile in principals.roles(client, principal.kind, id_)
        except NotFound:  # deleted since its ID was read
            return False


def _give(client: WorkspaceClient, principal: Principal, id_: str, profile: str, *, pace: Pace) -> None:
    # A conflict means that an earlier request with a lost response took effect.
    with explaining(f"Granting the instance profile to the {principal}"), suppress(ResourceConflict):
        principals.patch(client, principal.kind, id_, _add(profile))
    for attempt in range(_READ_BACK):
        if attempt:
            pace.sleep(1)
        if _has(client, principal, id_, profile):
            return
    raise DeploymentError(
        f"The workspace accepted the grant of the instance profile to the {principal} but did not apply it, as happens "
        "with account-level groups",
        advice="Grant it to users or service principals by name, or leave the list empty, because the job does not "
        "need the grant. Then deploy again",
    )


def _add(profile: str) -> iam.Patch:
    return iam.Patch(op=iam.PatchOp.ADD, path="roles", value=[iam.ComplexValue(value=profile).as_dict()])


def _remove(profile: str) -> iam.Patch:
    return iam.Patch(op=iam.PatchOp.REMOVE, path=f'roles[value eq "{profile}"]')
