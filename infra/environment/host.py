"""The workspace URL: its format, and the Databricks addresses that are not workspaces on AWS.

Source of the domains: ``databricks.sdk.environments``; a test compares the two.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_NAME = r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_ACCOUNT_CONSOLE = re.compile(r"accounts(?:-dod)?\..*databricks\..*")
_OTHER_CLOUDS = {
    "Azure": (".azuredatabricks.net", ".databricks.azure.us", ".databricks.azure.cn"),
    "Google Cloud": (".gcp.databricks.com",),
}
_EXAMPLE = "https://dbc-01234567-89ab.cloud.databricks.com"


def host_problem(url: str) -> str | None:
    """Return why a string is not the URL of a workspace on AWS, as the predicate of a sentence, or None if it is.

    >>> host_problem("https://accounts.cloud.databricks.com").split(";")[0]
    'is the account console'
    """
    name = _host_name(url)
    if name is None:
        return (
            "is not a valid workspace URL (https:// and a host, without a path; http:// only for 127.0.0.1 and "
            "localhost)"
        )
    if _ACCOUNT_CONSOLE.fullmatch(name):
        return (
            "is the account console; the job runs in a workspace. In the account console, open Workspaces, choose one "
            f"on AWS, and use its URL, such as {_EXAMPLE}"
        )
    for cloud, domains in _OTHER_CLOUDS.items():
        if name.endswith(domains):
            return (
                f"is on {cloud}; the cluster reads the bucket with an instance profile, which only workspaces on AWS "
                f"support. Use the URL of a workspace on AWS, such as {_EXAMPLE}"
            )
    return None


def _host_name(value: str) -> str | None:
    """Return the host of a workspace URL; None for a string that is not ``https://host`` with an optional port."""
    try:
        url = urlsplit(value)
        local = url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost")
        bare = url.path in ("", "/") and not (url.query or url.fragment or "@" in url.netloc)
        # urlsplit drops line breaks and accepts spaces.
        named = re.fullmatch(_NAME, url.hostname or "") is not None and value.isascii() and value.isprintable()
        good = (url.scheme == "https" or local) and named and bare and (url.port is None or url.port > 0)
    except ValueError:  # The port is not a number, or brackets do not match.
        return None
    return url.hostname if good else None
