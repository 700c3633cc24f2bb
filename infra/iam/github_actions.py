"""What a workflow of GitHub Actions may do in AWS: take on the deploy role, and with it the roles of `cdk bootstrap`.

Sources: https://docs.github.com/actions/reference/openid-connect-reference,
https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.iam.statement import Statement

ISSUER = "token.actions.githubusercontent.com"
"""Who signs the tokens that a workflow signs in with; IAM's provider is named after it."""

AUDIENCE = "sts.amazonaws.com"
"""Whom the tokens are for."""


def trust(*, provider_arn: str, subject: str) -> tuple[Statement, ...]:
    """Who may take on the deploy role; ``subject`` is ``repo:ORG/REPO:environment:NAME``."""
    return (
        Statement(
            sid="GitHubEnvironment",
            reason="jobs of this repository that run in this environment of GitHub, with a token of theirs that is for "
            "AWS; no branch, no pull request and no other repository has this subject",
            principals=(("Federated", provider_arn),),
            actions=("sts:AssumeRoleWithWebIdentity",),
            conditions={"StringEquals": {f"{ISSUER}:aud": (AUDIENCE,), f"{ISSUER}:sub": (subject,)}},
        ),
    )


def deploy(*, bootstrap_role_arns: Sequence[str]) -> tuple[Statement, ...]:
    """All that the deploy role may do by itself."""
    return (
        Statement(
            sid="AssumeBootstrapRoles",
            reason="cdk deploys with these roles of cdk bootstrap: look, upload, start CloudFormation, which does the "
            "rest with its own role",
            actions=("sts:AssumeRole",),
            resources=tuple(bootstrap_role_arns),
        ),
    )
