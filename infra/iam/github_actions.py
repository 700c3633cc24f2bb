"""Access of a GitHub Actions workflow to AWS: the deploy role, which assumes the roles of `cdk bootstrap`.

Sources: https://docs.github.com/actions/reference/openid-connect-reference,
https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam.statement import Statement

ISSUER = "token.actions.githubusercontent.com"
"""The issuer of the tokens that a workflow signs in with. The IAM OIDC provider has the same name."""

AUDIENCE = "sts.amazonaws.com"
"""The audience of the tokens."""


def trust(*, provider_arn: str, subject: str) -> tuple[Statement, ...]:
    """Return the trust policy of the deploy role; ``subject`` is ``repo:ORG/REPO:environment:NAME``."""
    return (
        Statement(
            sid="GitHubEnvironment",
            reason="Only jobs of this repository that run in this GitHub environment, with a token issued for AWS, may "
            "assume the role. The subject matches no branch, no pull request and no other repository",
            principals=(("Federated", provider_arn),),
            actions=("sts:AssumeRoleWithWebIdentity",),
            conditions={"StringEquals": {f"{ISSUER}:aud": (AUDIENCE,), f"{ISSUER}:sub": (subject,)}},
        ),
    )


def deploy(*, bootstrap_role_arns: Sequence[str]) -> tuple[Statement, ...]:
    """Return the permissions of the deploy role."""
    return (
        Statement(
            sid="AssumeBootstrapRoles",
            reason="The CDK CLI deploys with these roles of cdk bootstrap: they look up context, upload assets and "
            "start CloudFormation, which uses its own role for the rest",
            actions=("sts:AssumeRole",),
            resources=tuple(bootstrap_role_arns),
        ),
    )
