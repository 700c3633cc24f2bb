"""Recognize errors about missing files: there are none yet, or one was removed before it was read."""

from __future__ import annotations

import re

from vpc_flow_logs.failures import texts
from vpc_flow_logs.folders import Folders, StorageError
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.paths import scheme_of

_NO_SUCH_FILE = ("FileNotFoundException", "No such file", "does not exist", "FILE_NOT_EXIST", "NoSuchKey")
_NO_SUCH_PATH = ("CF_PATH_DOES_NOT_EXIST", "CF_EMPTY_DIR", "PATH_NOT_FOUND", *_NO_SUCH_FILE)

_NO_SUCH_BUCKET = ("bucket does not exist", "NoSuchBucket")
_WILDCARD = re.compile(r"[*?\[{]")

# The message of Spark's file sources.
_READING = re.compile(r"Encountered error while reading file (?P<path>.+?)\. File does not exist")


def mentions(error: BaseException, text: str) -> bool:
    """Return whether the text occurs in an error or in one of its causes."""
    return any(text in each for each in texts(error))


def no_bucket(folders: Folders, vpc_logs_path: str) -> bool:
    """Return whether the storage reports that the bucket of the VPC Logs Path does not exist.

    Auto Loader reports this too, but only after the tables and the checkpoint exist. Every other error is left to Auto
    Loader, because a role that can read the files is not necessarily allowed to list this folder.
    """
    if scheme_of(vpc_logs_path) != "s3":
        return False
    try:
        folders.names(f"{_root(vpc_logs_path)}/")
    except StorageError as error:
        return any(sign in str(error) for sign in _NO_SUCH_BUCKET)
    return False


def no_files_yet(error: BaseException, vpc_logs_path: str) -> bool:
    """Return whether an error means that the VPC Logs Path, a prefix in a bucket, does not exist yet.

    A missing bucket or local folder is a mistake. `gone_file` handles a missing file below the path.
    """
    path = load_path(vpc_logs_path)
    if scheme_of(path) != "s3":
        return False
    named = re.compile(re.escape(path) + r"(?:/?\*?)(?![A-Za-z0-9_*/=-])")
    return any(named.search(line) for line in _lines(error, _NO_SUCH_PATH))


def gone_file(error: BaseException, vpc_logs_path: str) -> str | None:
    """Return the file below the VPC Logs Path that an error reports as missing; None for other errors."""
    below = re.escape(_root(vpc_logs_path).removeprefix("file:").removeprefix("s3:"))
    named = re.compile(rf"(?:s3[an]?:|file:)?{below}/(?!\*)[^\s'\",;]*[^\s'\",;.:]")
    for line in _lines(error, _NO_SUCH_FILE):
        reading = _READING.search(line)
        if reading and named.match(reading["path"]):
            return reading["path"]
        if reading is None and (match := named.search(line)):
            return re.sub("^s3[an]:", "s3:", match[0])
    return None


def _root(vpc_logs_path: str) -> str:
    """Return the common parent folder of all files: the path up to its first wildcard."""
    return _WILDCARD.split(load_path(vpc_logs_path))[0].rstrip("/")


def _lines(error: BaseException, signs: tuple[str, ...]) -> list[str]:
    lines = "\n".join(texts(error)).splitlines()
    return [line for line in lines if any(sign in line for sign in signs)]
