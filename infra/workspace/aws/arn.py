"""Amazon Resource Names (ARNs)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Arn:
    """The parts of an ARN.

    Attributes:
        partition: the partition, such as ``aws`` or ``aws-us-gov``.
        service: the service, such as ``sqs``.
        region: the region; empty if the ARN has none, as in IAM and S3.
        account: the account ID; empty if the ARN has none, as in S3.
        resource: the resource, such as ``role/reader`` or ``log-group:/aws/lambda/reader``.
    """

    partition: str
    service: str
    region: str = ""
    account: str = ""
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Return the parts of an ARN.

        >>> Arn.parse("arn:aws:sqs:eu-central-1:111122223333:flow-logs").account
        '111122223333'

        Raises:
            ValueError: the text is not an ARN.
        """
        parts = text.split(":", maxsplit=5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"{text!r} is not an ARN")
        _, partition, service, region, account, resource = parts
        return cls(partition=partition, service=service, region=region, account=account, resource=resource)

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"
