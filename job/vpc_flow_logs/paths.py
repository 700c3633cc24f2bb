"""Storage paths: validation, equality and overlap."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_SCHEMES = ("s3", "dbfs", "file")
_MOST_BRACES = 6  # each pair at least doubles the number of names
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def without_trailing_slash(path: str) -> str:
    """Return the path without trailing slashes; ``/`` stays as it is.

    >>> without_trailing_slash("s3://bucket/table//")
    's3://bucket/table'
    """
    stripped = path.rstrip("/")
    return path if not stripped or stripped.endswith(":") else stripped


_IN_VOLUME = "/Volumes/catalog/schema/volume/folder"


def quarantine_path(delta_output_path: str) -> str:
    """Return the quarantine table's path; empty for a managed table."""
    return f"{delta_output_path}_quarantine" if delta_output_path else ""


def hourly_path(delta_output_path: str) -> str:
    """Return the hourly roll-up's path; empty for a managed table."""
    return f"{delta_output_path}_hourly" if delta_output_path else ""


def scheme_of(path: str) -> str:
    """Return the scheme of a URI in lower case; empty for a plain path."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", path)
    return match[1].lower() if match else ""


def table_path_problem(path: str) -> str | None:
    """Return the reason that a path cannot be the Delta Output Path, or None.

    The rules of `storage_path_problem` apply, and the path must not be in a volume.
    Source: https://docs.databricks.com/en/volumes.html ("You cannot use volumes as a location for tables")
    """
    if scheme_of(path) in ("", "dbfs") and parts(path)[:1] == ["Volumes"]:
        return f"{path!r} is in a volume, which cannot hold tables; use s3://bucket/folder, or '' for a managed table"
    problem = storage_path_problem(path)
    return problem and problem.replace(f" {_IN_VOLUME},", "")


def storage_path_problem(path: str) -> str | None:
    """Return the reason that a path cannot be the Checkpoint Path, or None.

    Valid paths are ``s3://bucket/folder``, ``/Volumes/catalog/schema/volume/folder``, ``dbfs:/folder`` and
    ``/folder`` (DBFS on a cluster, a local folder on a laptop).
    """
    scheme = scheme_of(path)
    if scheme == "s3":
        bucket, _, key = path.partition("://")[2].partition("/")
        if not _BUCKET.fullmatch(bucket) or not key.strip("/"):
            return f"{path!r} is not a valid S3 path; use the form s3://bucket/folder"
    elif (scheme and scheme not in _SCHEMES) or (not scheme and not path.startswith("/")):
        return f"{path!r} is not a supported path; use s3://bucket/folder, {_IN_VOLUME}, dbfs:/folder or /folder"
    elif not parts(path):
        return f"{path!r} is the root of the storage; use a folder in it"
    in_volume = scheme in ("", "dbfs") and parts(path)[:1] == ["Volumes"]
    if in_volume and any(name != name.lower() for name in parts(path)[1:4]):
        return (
            f"{path!r} has uppercase letters in the name of a catalog, schema or volume; Unity Catalog stores these "
            "names in lowercase, so write them in lowercase"
        )
    if any(character in path for character in "*?[]{}"):
        return f"{path!r} contains a wildcard; use the path of exactly one folder"
    if any(part in (".", "..") for part in parts(path)):
        return f"{path!r} contains '.' or '..'; write out the full path"
    return None


def parts(path: str) -> list[str]:
    """Return the nonempty segments of a path, without the scheme. In an S3 path, the bucket is the first."""
    scheme = scheme_of(path)
    rest = path[len(scheme) + 1 :] if scheme else path
    return [part for part in rest.split("/") if part]


def _kind(path: str) -> str:
    scheme = scheme_of(path)
    return "s3" if scheme in ("s3", "s3a", "s3n") else "folder"


def same(one: str, other: str) -> bool:
    """Return whether two paths name the same folder. Slashes, and the scheme of a local path, do not matter.

    >>> same("file:/data/table", "/data/table/")
    True
    """
    return _kind(one) == _kind(other) and parts(one) == parts(other)


def overlap(one: str, other: str) -> bool:
    """Return whether the paths are equal or one contains the other.

    A wildcard can match several names, so paths that agree up to a matching wildcard count as overlapping.
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
    # An unclosed brace spans slashes: it continues in the next part.
    return any("{" in each or fnmatchcase(name, each) for each in _alternatives(glob))


def _alternatives(glob: str) -> list[str]:
    """Expand the braces of a glob into the globs that it stands for.

    >>> _alternatives("x{a,b{1,2}}")
    ['xa', 'xb1', 'xa', 'xb2']
    """
    innermost = re.search(r"\{([^{}]*)\}", glob)
    if innermost is None:
        return [glob]
    begin, end = glob[: innermost.start()], glob[innermost.end() :]
    return [glob for choice in innermost[1].split(",") for glob in _alternatives(f"{begin}{choice}{end}")]
