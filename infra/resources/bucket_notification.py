"""The bucket's notification, set and removed by a function of the stack.

The bucket outlives the stack, and may be older than it. A notification that is a property of the bucket would stay
behind and point to a deleted topic, and S3 would reject every later notification for the same keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from infra.assets.function_zip import PYTHON
from infra.environment.names import event_filter
from infra.resources.function_role import FunctionRole, fixed_role, function_log, make_role
from infra.resources.nag import acknowledge

TYPE = "Custom::BucketNotification"
"""The custom resource's type."""

CODE = Path(__file__).resolve().parent / "inline" / "bucket_notification.py"
"""The function's source, which the template contains as text."""


class BucketNotification(Construct):
    """A notification that sends events for new flow log files to a topic. The bucket's other notifications stay.

    The function's role has permissions on this bucket only. CDK's own function for bucket notifications could change
    the notifications of every bucket.

    Attributes:
        resource: The custom resource.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str,
        logs_prefix: str,
        topic_arn: str,
        function_role: FunctionRole,
        after: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        description = "Sets the notification of the VPC flow log bucket"
        role = make_role(self, "Role", function_role, description=description)
        function = lambda_.Function(
            self,
            "Function",
            function_name=function_role.name,
            description=description,
            code=lambda_.Code.from_inline(CODE.read_text(encoding="utf-8")),
            handler="index.handler",
            runtime=lambda_.Runtime(f"python{PYTHON}", lambda_.RuntimeFamily.PYTHON, supports_inline_code=True),
            role=fixed_role(self, "FixedRole", function_role),
            timeout=Duration.minutes(2),
            log_group=function_log(self, "Log", function_role.name),
        )
        function.node.add_dependency(role)
        acknowledge(
            function,
            rule="AwsSolutions-L1",
            reason=f"Python {PYTHON} is the newest version that this repository is tested with",
        )
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=TYPE,
            service_token=function.function_arn,
            properties={"BucketName": bucket_name, "TopicArn": topic_arn, "Prefix": event_filter(logs_prefix)},
        )
        self.resource.node.add_dependency(*after)
