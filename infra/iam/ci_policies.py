"""The policies of `infra.iam.github_actions` for an environment and a repository.

The stack in :mod:`infra.ci_access` attaches exactly these policies. The review writes them to
``review/ci-access/NAME/``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from infra.environment import deliveries, names
from infra.environment.schema import Environment
from infra.iam import Policy, github_actions
from infra.workspace.aws.arn import Arn

TRUST_FILE = "ci-deploy-role-trust.json"
"""The file of the review that names the repository."""

QUALIFIER = "hnb659fds"
"""The default qualifier of `cdk bootstrap`, which is part of the names of the resources that it creates."""

# The deployment has no container images, so it does not need the role `image-publishing`.
_BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")

# GitHub adds numeric IDs to the names of repositories created, renamed or transferred since July 15, 2026.
# Source: https://docs.github.com/actions/reference/openid-connect-reference#immutable-subject-claims
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_NAME = r"[A-Za-z0-9._-]{1,100}"
_REPOSITORY = re.compile(rf"{_OWNER}/{_NAME}|{_OWNER}@[0-9]+/{_NAME}@[0-9]+")


class RepositoryError(Exception):
    """The repository is missing or its name is not valid. The text explains what is allowed."""


@dataclass(frozen=True)
class CiAccess:
    """The access that a repository's workflows use to deploy an environment.

    Attributes:
        environment: The environment. The GitHub environment has the same name.
        repository: ``ORG/REPO``, or ``ORG@ID/REPO@ID`` if GitHub's tokens contain the numeric IDs.
        qualifier: The qualifier of `cdk bootstrap`.
    """

    environment: Environment
    repository: str
    qualifier: str = QUALIFIER

    @property
    def subject(self) -> str:
        """The subject of the tokens that GitHub issues to jobs in the environment."""
        return f"repo:{self.repository}:environment:{self.environment.name}"

    @property
    def stack_name(self) -> str:
        """The name of the stack."""
        return f"{names.stack_name(self.environment)}-ci-access"

    @property
    def role_name(self) -> str:
        """The name of the deploy role."""
        return f"{names.stack_name(self.environment)}-ci-deploy"

    @property
    def provider_arn(self) -> str:
        """The ARN of the account's OIDC provider for GitHub. An account has at most one."""
        return names.iam_arn(self.environment, f"oidc-provider/{github_actions.ISSUER}")


def checked_repository(text: str) -> str:
    """Return the name of a repository if it is valid.

    Raises:
        RepositoryError: The name is not valid.
    """
    if _REPOSITORY.fullmatch(text):
        return text
    problem = f"{text!r} is not a valid repository name" if text else "No repository selected"
    raise RepositoryError(
        f"{problem}. Add -c repository=ORG/REPO (make ci-access ENV=… REPOSITORY=ORG/REPO), without https:// and .git. "
        "The tokens of a repository that was created, renamed or transferred since July 15, 2026, contain numeric IDs: "
        "use ORG@123/REPO@456 (docs/ci.md explains where to find the numbers)"
    )


def policies(access: CiAccess) -> tuple[Policy, ...]:
    """Return the trust policy and the inline policy of the deploy role."""
    return (
        Policy(
            file=TRUST_FILE,
            title=f"Trust policy of the deploy role {access.role_name}",
            statements=github_actions.trust(provider_arn=access.provider_arn, subject=access.subject),
            carrier=_role_arn(access),
        ),
        Policy(
            file="ci-deploy-role.json",
            name="deploy",
            title=f"Inline policy of the deploy role {access.role_name}",
            statements=github_actions.deploy(bootstrap_role_arns=_bootstrap_role_arns(access)),
            carrier=_role_arn(access),
        ),
    )


def reviewed(folder: Path, environment: Environment) -> CiAccess | None:
    """Return the CI access in a folder of the review, or None if the folder has none.

    Raises:
        RepositoryError: The trust policy names no repository.
    """
    file = folder / TRUST_FILE
    if not file.is_file():
        return None
    try:
        (statement,) = json.loads(file.read_text())["Statement"]
        subject = statement["Condition"]["StringEquals"][f"{github_actions.ISSUER}:sub"]
        _, repository, *_ = str(subject).split(":")
    except (KeyError, TypeError, ValueError):
        raise RepositoryError(
            f"{file} names no repository. Write it again with make review ENV={environment.name} "
            "ARGS='--repository ORG/REPO'"
        ) from None
    return CiAccess(environment=environment, repository=checked_repository(repository))


def _role_arn(access: CiAccess) -> str:
    return names.iam_arn(access.environment, f"role/{access.role_name}")


def _bootstrap_role_arns(access: CiAccess) -> list[str]:
    """Return the ARNs of the bootstrap roles in each account and region that the environment deploys to."""
    aws = access.environment.aws
    places = {(aws.account, aws.region)}
    places |= {(source.account, source.region) for source in deliveries.sources(access.environment)}
    return [
        _bootstrap_role_arn(account, region, f"cdk-{access.qualifier}-{role}-role-{account}-{region}")
        for account, region in sorted(places)
        for role in _BOOTSTRAP_ROLES
    ]


def _bootstrap_role_arn(account: str, region: str, role: str) -> str:
    return str(Arn(partition=names.partition(region), service="iam", account=account, resource=f"role/{role}"))
