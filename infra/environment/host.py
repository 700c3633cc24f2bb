"""The URL of the workspace: what it may look like, and which addresses of Databricks are not a workspace on AWS.

Source of the domains: ``databricks.sdk.environments``, which a test compares.
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
_WANTED = "the URL of a workspace on AWS, such as https://dbc-01234567-89ab.cloud.databricks.com"


def host_problem(url: str) -> str | None:
    """Return why a text is not the URL of a workspace on AWS, as the rest of a sentence, or None.

    >>> host_problem("https://accounts.cloud.databricks.com").split(";")[0]
    'is the account console'
    """
    name = _host_name(url)
    if name is None:
        return "is not a valid workspace URL (https://…, nothing behind the host; http only for 127.0.0.1, localhost)"
    if _ACCOUNT_CONSOLE.fullmatch(name):
        return (
            "is the account console; the job runs in a workspace. Open Workspaces there, choose the one on AWS, and "
            f"give {_WANTED}"
        )
    for cloud, domains in _OTHER_CLOUDS.items():
        if name.endswith(domains):
            return (
                f"is on {cloud}; the cluster reads the bucket with an instance profile, which only a workspace on AWS "
                f"can have. Give {_WANTED}"
            )
    return None


def _host_name(value: str) -> str | None:
    """The host of a URL that has nothing else; None if it is another one."""
    try:
        url = urlsplit(value)
        local = url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost")
        bare = url.path in ("", "/") and not (url.query or url.fragment or "@" in url.netloc)
        # urlsplit leaves out line breaks and lets spaces pass.
        named = re.fullmatch(_NAME, url.hostname or "") is not None and value.isascii() and value.isprintable()
        good = (url.scheme == "https" or local) and named and bare and (url.port is None or url.port > 0)
    except ValueError:  # a port that is no number, brackets that do not match
        return None
    return url.hostname if good else None
