"""IDs of Availability Zones."""

from __future__ import annotations

_COMPASS = {"central": "c", "east": "e", "west": "w", "south": "s", "north": "n"}


def az_id(region: str, number: int) -> str:
    """Return the ID of a region's n-th Availability Zone.

    >>> az_id("ap-southeast-2", 3), az_id("us-gov-west-1", 1)
    ('apse2-az3', 'usgw1-az1')
    """
    *area, compass, number_of_region = region.split("-")
    for word, letter in _COMPASS.items():
        compass = compass.replace(word, letter)
    return f"{area[0]}{''.join(part[0] for part in area[1:])}{compass}{number_of_region}-az{number}"
