"""The change that the demo deploys while traffic flows: two more flow logs, each in its own format."""

from __future__ import annotations

import re

from vpc_flow_logs.fields import FIELDS

SUBNET = "subnet-0fedcba9876543210"
TRANSIT_GATEWAY = "tgw-0fedcba9876543210"

VERSION_5 = tuple(sorted(field.name for field in FIELDS if field.version <= 5))
"""All fields up to version 5 in alphabetical order, as the AWS console writes them. No field is where a positional
parser expects it."""


def more_flow_logs(text: str) -> str:
    """Add a flow log of a subnet and one of a transit gateway (Parquet) to an environment file, after the last one.

    Raises:
        ValueError: the file has no flow logs.
    """
    start = [match.start() for match in re.finditer(r"(?m)^\[\[flow_logs\]\]", text)]
    if not start:
        raise ValueError("the environment file has no [[flow_logs]] to add others to")
    after = re.compile(r"(?m)^\[").search(text, start[-1] + 2)
    place = after.start() if after else len(text)
    return text[:place] + _added() + text[place:]


def _added() -> str:
    fields = ", ".join(f'"{name}"' for name in VERSION_5)
    return (
        f'[[flow_logs]]\nsubnet = "{SUBNET}"\naggregation_seconds = 60\nfields = [{fields}]\n\n'
        f'[[flow_logs]]\ntransit_gateway = "{TRANSIT_GATEWAY}"\naggregation_seconds = 60\nfile_format = "parquet"\n\n'
    )
