"""A separate CDK app with the role that lets CI deploy an environment without a stored key.

    make ci-access ENV=staging REPOSITORY=ORG/REPO

The target runs `cdk deploy --app '.venv/bin/python -m infra.ci_access' -c env=staging -c repository=ORG/REPO`. An
administrator runs it once. The app is not part of the main app, because CI must not be able to widen its own access.
"""

from __future__ import annotations

import sys

from aws_cdk import App, CfnOutput, RemovalPolicy, Stack, Tags
from aws_cdk import Environment as Place
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import EnvironmentFileError, load
from infra.environment import names
from infra.iam import github_actions
from infra.iam.ci_policies import QUALIFIER, CiAccess, RepositoryError, checked_repository, policies
from infra.interruption import interruptible
from infra.resources.nag import acknowledge_wildcards

_PROVIDERS = ("new", "existing")


class CiAccessStack(Stack):
    """The deploy role, and the account's OIDC provider for GitHub unless it already exists.

    Attributes:
        role: The deploy role.
        provider: The OIDC provider; None if it already exists.
    """

    def __init__(self, scope: Construct, *, access: CiAccess, new_provider: bool) -> None:
        aws = access.environment.aws
        super().__init__(
            scope,
            access.stack_name,
            env=Place(account=aws.account, region=aws.region),
            description=f"CI access to VPC flow logs to Databricks: {access.environment.name}",
        )
        trust, deploy = policies(access)
        self.provider = _provider(self) if new_provider else None
        self.role = iam.CfnRole(
            self,
            "DeployRole",
            role_name=access.role_name,
            description=f"Deploys {access.environment.name} from GitHub Actions of {access.repository}",
            assume_role_policy_document=trust.document,
            policies=[iam.CfnRole.PolicyProperty(policy_name=deploy.name, policy_document=deploy.document)],
        )
        acknowledge_wildcards(self.role, deploy)
        if self.provider:
            # IAM rejects a trust policy that names a provider that does not exist.
            self.role.node.add_dependency(self.provider)
        CfnOutput(
            self, "DeployRoleArn", value=self.role.attr_arn, description="Value of the CI variable AWS_DEPLOY_ROLE"
        )
        CfnOutput(
            self, "TokenSubject", value=access.subject, description="Subject of the tokens that may assume the role"
        )
        Tags.of(self).add(names.ENVIRONMENT_TAG, access.environment.name)


def build(app: App, access: CiAccess, *, new_provider: bool) -> CiAccessStack:
    """Create the stack in an app and return it."""
    return CiAccessStack(app, access=access, new_provider=new_provider)


def _provider(scope: Construct) -> iam.CfnOIDCProvider:
    provider = iam.CfnOIDCProvider(
        scope, "GitHub", url=f"https://{github_actions.ISSUER}", client_id_list=[github_actions.AUDIENCE]
    )
    # An account has at most one provider for GitHub, and other roles may use it.
    provider.apply_removal_policy(RemovalPolicy.RETAIN)
    return provider


def main() -> int:
    """Build the stack that the context selects (``env``, ``repository``, ``provider``); return the exit status."""
    app = App()

    def context(key: str) -> str:
        return str(app.node.try_get_context(key) or "")

    provider = context("provider") or "new"
    if not context("env"):
        print("No environment selected. Add -c env=NAME: a name in environments/, or a file's path", file=sys.stderr)
        return 2
    if provider not in _PROVIDERS:
        print(
            f"-c provider={provider}: use new (the default), or existing if the account already has an OIDC provider "
            f"for {github_actions.ISSUER}",
            file=sys.stderr,
        )
        return 2
    try:
        environment = load(context("env"))
        access = CiAccess(
            environment=environment,
            repository=checked_repository(context("repository")),
            qualifier=context("@aws-cdk/core:bootstrapQualifier") or QUALIFIER,
        )
    except (EnvironmentFileError, RepositoryError) as error:
        print(error, file=sys.stderr)
        return 2
    build(app, access, new_provider=provider == "new")
    app.synth()
    return 0


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
