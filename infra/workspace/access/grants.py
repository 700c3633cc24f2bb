"""Grant the use of the instance profile: it is a role of groups, users and service principals.

Grants that others made are left alone. Our own are remembered before they are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceConflict
from databricks.sdk.service import iam

from infra.workspace import memory as remembered
from infra.workspace.access import principals
from infra.workspace.access.principals import Principal
from infra.workspace.errors import DeploymentError
from infra.workspace.explain import saying
from infra.workspace.memory import Remembered
from infra.workspace.pace import Pace
from infra.workspace.step import Step

_READ_BACK = 3
"""How many times a grant is looked for, a second apart."""


def grant(
    client: WorkspaceClient,
    *,
    profile: str,
    wanted: Mapping[Principal, str],
    folder: str,
    memory: Remembered,
    pace: Pace,
) -> tuple[list[Step], Remembered]:
    """Grant a profile to principals (with their IDs), and revoke our grants to principals that are no longer listed.

    Raises:
        DeploymentError: the workspace refuses the grant, or accepts it without applying it.
    """
    ours = {Principal.of(text) for text in memory.granted.get(profile, ())}
    missing = [who for who, id_ in wanted.items() if not _has(client, who, id_, profile)]
    dropped = sorted(ours - set(wanted))
    known = sorted(ours | set(missing))
    memory = _remember(client, folder, memory, profile, known)
    steps = [Step(f"grant to {who}", "unchanged") for who in wanted if who not in missing]
    for who in missing:
        pace.check()
        _give(client, who, wanted[who], profile, pace=pace)
        steps.append(Step(f"grant to {who}", "created"))
    steps += withdraw(client, profile=profile, whom=dropped)
    return steps, _remember(client, folder, memory, profile, [who for who in known if who not in dropped])


def withdraw(client: WorkspaceClient, *, profile: str, whom: Sequence[Principal]) -> list[Step]:
    """Revoke the grants of a profile; principals that are gone or no longer have it are left out."""
    steps = []
    for who, id_ in principals.ids(client, whom).items():
        with saying(f"Revoking the instance profile of the {who}"):
            if _has(client, who, id_, profile):
                try:
                    principals.patch(client, who.kind, id_, _remove(profile))
                except NotFound:
                    continue
                steps.append(Step(f"grant to {who}", "removed"))
    return steps


def _remember(
    client: WorkspaceClient, folder: str, memory: Remembered, profile: str, ours: Sequence[Principal]
) -> Remembered:
    new = memory.with_grants(profile, tuple(sorted(str(who) for who in ours)))
    return remembered.write(client, folder, old=memory, new=new)


def _has(client: WorkspaceClient, who: Principal, id_: str, profile: str) -> bool:
    with saying(f"Looking at the {who}"):
        try:
            return profile in principals.roles(client, who.kind, id_)
        except NotFound:  # deleted since it was found
            return False


def _give(client: WorkspaceClient, who: Principal, id_: str, profile: str, *, pace: Pace) -> None:
    # A conflict comes from an earlier request whose answer got lost.
    with saying(f"Granting the instance profile to the {who}"), suppress(ResourceConflict):
        principals.patch(client, who.kind, id_, _add(profile))
    for attempt in range(_READ_BACK):
        if attempt:
            pace.sleep(1)
        if _has(client, who, id_, profile):
            return
    raise DeploymentError(
        f"The workspace accepted the grant of the instance profile to the {who} but did not apply it, as happens with "
        "account-level groups",
        advice="Grant it to users or service principals by name, or leave the list empty: the job does not need it. "
        "Then deploy again",
    )


def _add(profile: str) -> iam.Patch:
    return iam.Patch(op=iam.PatchOp.ADD, path="roles", value=[iam.ComplexValue(value=profile).as_dict()])


def _remove(profile: str) -> iam.Patch:
    return iam.Patch(op=iam.PatchOp.REMOVE, path=f'roles[value eq "{profile}"]')
