"""The Databricks half of a deployment: a custom resource that registers the reader and creates the jobs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from infra.assets.function_zip import PYTHON, function_code
from infra.resources.function_role import FunctionRole, fixed_role, function_log, make_role
from infra.resources.nag import acknowledge
from infra.resources.provider import NarrowProvider, ProviderRoles

TYPE = "Custom::DatabricksIngestion"
"""The custom resource's type."""

# CDK's function has Lambda's maximum timeout of 15 minutes. These functions must time out first, so that CDK's function
# can still respond to CloudFormation.
_TIMEOUT = Duration.minutes(14)
_MEMORY = 1024  # MB. The SDK needs 100, but Lambda allocates CPU by memory, and loading the SDK takes CPU time.


class Ingestion(Construct):
    """The registration of the reader and its jobs. ``after`` holds the resources that must exist before it starts.

    Attributes:
        role: The role of the two functions.
        resource: The custom resource.
        outputs: The attributes of the custom resource: the IDs and URLs of the jobs, and the table's name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_role: FunctionRole,
        check_name: str,
        provider_roles: ProviderRoles,
        spec: str,
        secret_arn: str,
        has_maintenance: bool,
        has_dashboard: bool,
        after: Sequence[IDependable],
    ) -> None:
        """Create the resources.

        ``spec`` is the complete desired state as JSON, and may contain CDK tokens. With ``has_maintenance`` it has a
        maintenance job, and with ``has_dashboard`` a dashboard.
        """
        super().__init__(scope, construct_id)
        self.role = make_role(
            self,
            "Role",
            function_role,
            description="Registers the reader of VPC flow logs with the Databricks workspace",
        )
        # Created last, because an incomplete stack does not need it.
        self.role.node.add_dependency(*after)
        fixed = fixed_role(self, "FixedRole", function_role)
        package = function_code()
        code = lambda_.Code.from_asset(str(package.path), asset_hash=package.content_hash)
        provider = NarrowProvider(
            self,
            "Provider",
            on_event=self._function("Function", function_role.name, "on_event", code, fixed),
            is_complete=self._function("Check", check_name, "is_complete", code, fixed),
            roles=provider_roles,
        )
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=TYPE,
            service_token=provider.service_token,
            # CloudFormation does not update the resource for new function code, so a new wheel must change a property.
            properties={
                "Spec": spec,
                "SecretArn": secret_arn,
                "Wheel": package.wheel,
                **({"Dashboard": package.dashboard} if has_dashboard else {}),
            },
        )
        self.resource.node.add_dependency(*after)
        attributes = ["JobId", "JobUrl", "Table"]
        if has_maintenance:
            # CloudFormation fails an output whose attribute the function does not return.
            attributes += ["MaintenanceJobId", "MaintenanceJobUrl"]
        if has_dashboard:
            attributes += ["DashboardId", "DashboardUrl"]
        self.outputs = {name: self.resource.get_att_string(name) for name in attributes}

    def _function(
        self, construct_id: str, name: str, handler: str, code: lambda_.AssetCode, role: iam.IRole
    ) -> lambda_.Function:
        function = lambda_.Function(
            self,
            construct_id,
            function_name=name,
            description="Registers the reader of VPC flow logs with the Databricks workspace",
            code=code,
            handler=f"infra.workspace.handler.{handler}",
            runtime=lambda_.Runtime(f"python{PYTHON}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.X86_64,
            role=role,
            timeout=_TIMEOUT,
            memory_size=_MEMORY,
            log_group=function_log(self, f"{construct_id}Log", name),
        )
        function.node.add_dependency(self.role)
        acknowledge(
            function,
            rule="AwsSolutions-L1",
            reason=f"Python {PYTHON} is the newest version that this repository is tested with",
        )
        return function
