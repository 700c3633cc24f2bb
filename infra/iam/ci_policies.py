"""Name the documents of `infra.iam.github_actions` for an environment and a repository.

The stack of :mod:`infra.ci_access` attaches exactly these, and the review has them in ``review/ci-access/NAME/``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from infra.environment import deliveries, names
from infra.environment.schema import Environment
from infra.iam import Policy, github_actions

TRUST_FILE = "ci-deploy-role-trust.json"
"""The file of the review that names the repository."""

QUALIFIER = "hnb659fds"
"""Part of the names of all that `cdk bootstrap` makes, unless it is told another one."""

# No image is among what is deployed, so `image-publishing` is not needed.
_BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")

# GitHub writes the numbers behind the names for repositories created, renamed or transferred since July 15, 2026.
# Source: https://docs.github.com/actions/reference/openid-connect-reference#immutable-subject-claims
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_NAME = r"[A-Za-z0-9._-]{1,100}"
_REPOSITORY = re.compile(rf"{_OWNER}/{_NAME}|{_OWNER}@[0-9]+/{_NAME}@[0-9]+")


class RepositoryError(Exception):
    """The repository is missing or no name of one; the text says what is allowed."""


@dataclass(frozen=True)
class CiAccess:
    """Whose workflows may deploy which environment.

    Attributes:
        environment: which; GitHub's environment has the same name.
        repository: ``ORG/REPO``, or ``ORG@ID/REPO@ID`` where GitHub's tokens have the numbers.
        qualifier: that of `cdk bootstrap`.
    """

    environment: Environment
    repository: str
    qualifier: str = QUALIFIER

    @property
    def subject(self) -> str:
        """The subject of the tokens that GitHub gives to jobs of the environment."""
        return f"repo:{self.repository}:environment:{self.environment.name}"

    @property
    def stack_name(self) -> str:
        """Name of the stack."""
        return f"{names.stack_name(self.environment)}-ci-access"

    @property
    def role_name(self) -> str:
        """Name of the deploy role."""
        return f"{names.stack_name(self.environment)}-ci-deploy"

    @property
    def provider_arn(self) -> str:
        """ARN of the account's provider for GitHub's tokens; an account has one at most."""
        aws = self.environment.aws
        return f"arn:{names.partition(aws.region)}:iam::{aws.account}:oidc-provider/{github_actions.ISSUER}"


def checked_repository(text: str) -> str:
    """The name of a repository.

    Raises:
        RepositoryError: it is none.
    """
    if _REPOSITORY.fullmatch(text):
        return text
    said = f"{text!r} is not a valid repository name" if text else "Which repository?"
    raise RepositoryError(
        f"{said}: name it as GitHub does, -c repository=ORG/REPO (make ci-access ENV=… REPOSITORY=ORG/REPO), without "
        "https:// and .git. A repository that was created, renamed or transferred since July 15, 2026, has numbers in "
        "its tokens: ORG@123/REPO@456 (docs/ci.md says where to find them)"
    )


def policies(access: CiAccess) -> tuple[Policy, ...]:
    """The two documents: who may be the deploy role, and what it may do."""
    return (
        Policy(
            file=TRUST_FILE,
            title=f"Trust of the deploy role {access.role_name}",
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
    """The access that a folder of the review documents; None if it documents none.

    Raises:
        RepositoryError: its trust document names no repository.
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
            f"{file} names no repository: write it anew with make review ENV={environment.name} "
            "ARGS='--repository ORG/REPO'"
        ) from None
    return CiAccess(environment=environment, repository=checked_repository(repository))


def _role_arn(access: CiAccess) -> str:
    aws = access.environment.aws
    return f"arn:{names.partition(aws.region)}:iam::{aws.account}:role/{access.role_name}"


def _bootstrap_role_arns(access: CiAccess) -> list[str]:
    """The roles in each account and region that the environment deploys to."""
    aws = access.environment.aws
    places = {(aws.account, aws.region)}
    places |= {(source.account, source.region) for source in deliveries.sources(access.environment)}
    return [
        f"arn:{names.partition(region)}:iam::{account}:role/cdk-{access.qualifier}-{role}-role-{account}-{region}"
        for account, region in sorted(places)
        for role in _BOOTSTRAP_ROLES
    ]
