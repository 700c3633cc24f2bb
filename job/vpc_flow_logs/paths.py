"""Paths of storage: which are allowed, when two are the same, and when one lies in another."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_SCHEMES = ("s3", "dbfs", "file")
_MOST_BRACES = 6  # each pair doubles the number of names, at least
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def without_trailing_slash(path: str) -> str:
    """The path without slashes at its end; ``/`` stays.

    >>> without_trailing_slash("s3://bucket/table//")
    's3://bucket/table'
    """
    stripped = path.rstrip("/")
    return path if not stripped or stripped.endswith(":") else stripped


_IN_VOLUME = "/Volumes/catalog/schema/volume/folder"


def quarantine_path(delta_output_path: str) -> str:
    """The quarantine table's path, empty for a managed table."""
    return f"{delta_output_path}_quarantine" if delta_output_path else ""


def scheme_of(path: str) -> str:
    """The scheme of a URI in lower case, empty for a plain path."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", path)
    return match[1].lower() if match else ""


def table_path_problem(path: str) -> str | None:
    """Why a path cannot be the Delta Output Path, or None: as of any storage, and that it is not in a volume.

    Source: https://docs.databricks.com/en/volumes.html ("You cannot use volumes as a location for tables")
    """
    if scheme_of(path) in ("", "dbfs") and parts(path)[:1] == ["Volumes"]:
        return f"{path!r} is in a volume, where no table can lie: name s3://bucket/folder, or '' for a managed table"
    problem = storage_path_problem(path)
    return problem and problem.replace(f" {_IN_VOLUME},", "")


def storage_path_problem(path: str) -> str | None:
    """Why a path cannot be the Checkpoint Path, or None.

    Allowed are ``s3://bucket/folder``, ``/Volumes/catalog/schema/volume/folder``, ``dbfs:/folder`` and ``/folder``
    (DBFS on a cluster, a local folder on a laptop).
    """
    scheme = scheme_of(path)
    if scheme == "s3":
        bucket, _, key = path.partition("://")[2].partition("/")
        if not _BUCKET.fullmatch(bucket) or not key.strip("/"):
            return f"{path!r} is not of the form s3://bucket/folder"
    elif (scheme and scheme not in _SCHEMES) or (not scheme and not path.startswith("/")):
        return f"{path!r} is none of s3://bucket/folder, {_IN_VOLUME}, dbfs:/folder, /folder"
    elif not parts(path):
        return f"{path!r} is the root of the storage: name a folder in it"
    in_volume = scheme in ("", "dbfs") and parts(path)[:1] == ["Volumes"]
    if in_volume and any(name != name.lower() for name in parts(path)[1:4]):
        return (
            f"{path!r} has upper-case letters in the name of a catalog, schema or volume: Unity Catalog stores these "
            "names in lower case, so write them in lower case"
        )
    if any(character in path for character in "*?[]{}"):
        return f"{path!r} has a wildcard: one folder is needed"
    if any(part in (".", "..") for part in parts(path)):
        return f"{path!r} has '.' or '..' in it: write the path out"
    return None


def parts(path: str) -> list[str]:
    """The names a path is made of, the bucket first, without the scheme and empty ones."""
    scheme = scheme_of(path)
    rest = path[len(scheme) + 1 :] if scheme else path
    return [part for part in rest.split("/") if part]


def _kind(path: str) -> str:
    scheme = scheme_of(path)
    return "s3" if scheme in ("s3", "s3a", "s3n") else "folder"


def same(one: str, other: str) -> bool:
    """Whether two paths name one folder, whatever their slashes and whether or not a scheme is spelled out.

    >>> same("file:/data/table", "/data/table/")
    True
    """
    return _kind(one) == _kind(other) and parts(one) == parts(other)


def overlap(one: str, other: str) -> bool:
    """Whether one path lies in the other or is the same.

    A wildcard may stand for several names at once, so from the first one on that fits nothing is certain: an overlap.
    """
    if _kind(one) != _kind(other):
        return False
    for a, b in zip(parts(one), parts(other), strict=False):
        if _is_glob(a) or _is_glob(b):
            return _may_match(a, b)
        if a != b:
            return False
    return True


def _is_glob(part: str) -> bool:
    return any(character in part for character in "*?[{")


def _may_match(one: str, other: str) -> bool:
    if (_is_glob(one) and _is_glob(other)) or (one + other).count("{") > _MOST_BRACES:
        return True
    glob, name = (one, other) if _is_glob(one) else (other, one)
    # A brace that is not closed holds slashes: it goes on in the next part.
    return any("{" in each or fnmatchcase(name, each) for each in _alternatives(glob))


def _alternatives(glob: str) -> list[str]:
    """The globs without braces that a glob stands for.

    >>> _alternatives("x{a,b{1,2}}")
    ['xa', 'xb1', 'xa', 'xb2']
    """
    innermost = re.search(r"\{([^{}]*)\}", glob)
    if innermost is None:
        return [glob]
    begin, end = glob[: innermost.start()], glob[innermost.end() :]
    return [found for choice in innermost[1].split(",") for found in _alternatives(f"{begin}{choice}{end}")]
