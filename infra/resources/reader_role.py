"""The role that the job uses to read the logs, its instance profile, and Databricks' permission to pass the role."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.iam import Policy
from infra.resources.nag import acknowledge_wildcards


class ReaderRole(Construct):
    """The reader role, with one inline policy per purpose.

    Attributes:
        role: The role.
        profile: Its instance profile. It has the same name, so Databricks finds the role without its ARN.
        pass_role: The policy appended to the cross-account role, which must be in the stack's account.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        trust: Policy,
        policies: Sequence[Policy],
        databricks_role_name: str,
        pass_role: Policy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.CfnRole(
            self,
            "Role",
            role_name=name,
            description="Reads VPC flow logs in Databricks clusters",
            assume_role_policy_document=trust.document,
            policies=[
                iam.CfnRole.PolicyProperty(policy_name=policy.name, policy_document=policy.document)
                for policy in policies
            ],
        )
        acknowledge_wildcards(self.role, *policies)
        self.profile = iam.CfnInstanceProfile(self, "Profile", instance_profile_name=name, roles=[self.role.ref])
        # A separate inline policy: the cross-account role keeps its other policies, and two environments that share
        # the role do not overwrite each other's policy.
        self.pass_role = iam.CfnPolicy(
            self,
            "PassRole",
            policy_name=f"pass-{name}",
            roles=[databricks_role_name],
            policy_document=pass_role.document,
        )
        self.pass_role.node.add_dependency(self.role)
