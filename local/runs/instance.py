"""EC2's response when Databricks starts an instance with an instance profile: an error, or the role's credentials."""

from __future__ import annotations

from botocore.exceptions import ClientError

from local.aws import Credentials, Emulator

SECONDS = 7 * 24 * 3600
"""Lifetime of the credentials. EC2 renews them every few hours; here they outlive the stage."""


class Ec2:
    """EC2 with the permissions of the cross-account role.

    Attributes:
        stage: the AWS emulator.
        launcher: ARN of the cross-account role, which Databricks uses to launch clusters.
    """

    def __init__(self, stage: Emulator, *, launcher: str) -> None:
        """Store the arguments; no call is made yet."""
        self.stage = stage
        self.launcher = launcher
        self._iam = stage.client("iam")

    def refusal(self, profile: str) -> tuple[str, str] | None:
        """Return the error code and message of RunInstances for a profile (its ARN), or None.

        MiniStack starts instances with any profile, so this method evaluates the permissions itself.
        """
        try:
            record = self._iam.get_instance_profile(InstanceProfileName=profile.rsplit("/", 1)[-1])["InstanceProfile"]
        except ClientError:
            record = {"Arn": "", "Roles": []}
        if record["Arn"] != profile or not record["Roles"]:
            name = f"Value ({profile}) for parameter iamInstanceProfile.arn is invalid."
            return "InvalidParameterValue", f"{name} Invalid IAM Instance Profile ARN"
        role = record["Roles"][0]["Arn"]
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
