"""What EC2 says when Databricks starts an instance with an instance profile: a refusal, or the role's credentials."""

from __future__ import annotations

from botocore.exceptions import ClientError

from local.aws import Credentials, Emulator

SECONDS = 7 * 24 * 3600
"""How long the credentials last. EC2 gives new ones every few hours; here none are needed before the stage ends."""


class Ec2:
    """EC2 as the cross-account role may use it.

    Attributes:
        stage: where it is.
        launcher: ARN of the cross-account role, with which Databricks launches clusters.
    """

    def __init__(self, stage: Emulator, *, launcher: str) -> None:
        """Take note of both; nothing is asked yet."""
        self.stage = stage
        self.launcher = launcher
        self._iam = stage.client("iam")

    def refusal(self, profile: str) -> tuple[str, str] | None:
        """Return code and message with which RunInstances refuses a profile (its ARN), or None.

        MiniStack starts instances with any profile, so its IAM is asked what EC2 would have heard.
        """
        try:
            found = self._iam.get_instance_profile(InstanceProfileName=profile.rsplit("/", 1)[-1])["InstanceProfile"]
        except ClientError:
            found = {"Arn": "", "Roles": []}
        if found["Arn"] != profile or not found["Roles"]:
            name = f"Value ({profile}) for parameter iamInstanceProfile.arn is invalid."
            return "InvalidParameterValue", f"{name} Invalid IAM Instance Profile ARN"
        role = found["Roles"][0]["Arn"]
        if self._may_pass(role):
            return None
        name = self.launcher.rsplit("/", 1)[-1]
        user = f"arn:aws:sts::{self.stage.account}:assumed-role/{name}/databricks"
        denied = (
            f"You are not authorized to perform this operation. User: {user} is not authorized to perform: "
            f"iam:PassRole on resource: {role} because no identity-based policy allows the iam:PassRole action."
        )
        return "UnauthorizedOperation", denied

    def credentials(self, profile: str) -> Credentials:
        """Return the temporary credentials of the role in a profile.

        Raises:
            Refused: the role does not trust EC2.
        """
        return self.stage.instance_credentials(profile, seconds=SECONDS)

    def _may_pass(self, role: str) -> bool:
        return bool(self.stage.ask("may-pass-role", role=role, launcher=self.launcher)["allowed"])
