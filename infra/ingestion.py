"""What `cdk deploy` needs for the workspace's half: a role for the function that registers the reader there.

The function and the custom resource that calls it join this construct; all that they need comes in through it.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from infra.acknowledged import acknowledge_wildcards
from infra.policies import Policy


class Ingestion(Construct):
    """The registration of the reader, which waits for everything it is validated against (``after``).

    Attributes:
        role: the role of the registration function.
        after: what has to exist before Databricks validates the profile: profile, PassRole and the bucket's policy.
        job_parameters: what the job is started with.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        trust: Policy,
        policy: Policy,
        job_parameters: dict[str, str],
        after: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        self.job_parameters = job_parameters
        self.after = tuple(after)
        self.role = iam.CfnRole(
            self,
            "Role",
            role_name=name,
            description="Registers the reader of VPC flow logs with the Databricks workspace",
            assume_role_policy_document=trust.document,
            policies=[iam.CfnRole.PolicyProperty(policy_name=policy.name, policy_document=policy.document)],
        )
        acknowledge_wildcards(self.role, policy)
        # Not before the rest is there: a half-made stack has no use for it.
        self.role.node.add_dependency(*after)
