"""AWS partitions: the regions of each, and the domain of its services.

Copied from botocore's ``data/partitions.json``, because synthesis imports no SDK; a test compares the two. A region
that is newer than the data belongs to the partition whose pattern matches it, as in botocore.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Partition:
    """A partition.

    Attributes:
        name: The partition's name in ARNs, such as ``aws-cn``.
        dns_suffix: The domain of its services, such as ``amazonaws.com.cn``.
        regions: A regular expression that matches the names of its regions.
    """

    name: str
    dns_suffix: str
    regions: str


PARTITIONS = (
    Partition("aws", "amazonaws.com", r"(us|eu|ap|sa|ca|me|af|il|mx)\-\w+\-\d+"),
    Partition("aws-cn", "amazonaws.com.cn", r"cn\-\w+\-\d+"),
    Partition("aws-eusc", "amazonaws.eu", r"eusc\-(de)\-\w+\-\d+"),
    Partition("aws-iso", "c2s.ic.gov", r"us\-iso\-\w+\-\d+"),
    Partition("aws-iso-b", "sc2s.sgov.gov", r"us\-isob\-\w+\-\d+"),
    Partition("aws-iso-e", "cloud.adc-e.uk", r"eu\-isoe\-\w+\-\d+"),
    Partition("aws-iso-f", "csp.hci.ic.gov", r"us\-isof\-\w+\-\d+"),
    Partition("aws-us-gov", "amazonaws.com", r"us\-gov\-\w+\-\d+"),
)


_DIRECTIONS = re.compile(r".*-(?:north|south|east|west|central|northeast|southeast|northwest|southwest)-\d+")


def is_usual(region: str) -> bool:
    """Return whether a region name follows the pattern of AWS regions: an area, a direction and a number.

    >>> is_usual("eu-central-1"), is_usual("eu-centrl-1")
    (True, False)
    """
    return _DIRECTIONS.fullmatch(region) is not None


def find(region: str) -> Partition | None:
    """Return the partition of a region, or None if no partition has a region with this name.

    >>> find("eusc-de-east-1").name
    'aws-eusc'
    """
    return next((partition for partition in PARTITIONS if re.fullmatch(partition.regions, region)), None)


def of(region: str) -> Partition:
    """Return the partition of a region from a valid environment file.

    Raises:
        ValueError: No partition has this region.
    """
    partition = find(region)
    if partition is None:
        raise ValueError(f"{region}: no AWS partition has this region")
    return partition
