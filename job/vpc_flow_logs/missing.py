"""What an error says of files: that there are none yet, or that one is gone."""

from __future__ import annotations

import re

from vpc_flow_logs.failures import texts
from vpc_flow_logs.folders import CannotLook, Folders
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.paths import scheme_of

_NO_SUCH_FILE = ("FileNotFoundException", "No such file", "does not exist", "FILE_NOT_EXIST", "NoSuchKey")
_NO_SUCH_PATH = ("CF_PATH_DOES_NOT_EXIST", "CF_EMPTY_DIR", "PATH_NOT_FOUND", *_NO_SUCH_FILE)

_NO_SUCH_BUCKET = ("bucket does not exist", "NoSuchBucket")
_WILDCARD = re.compile(r"[*?\[{]")

# As Spark's file sources put it.
_READING = re.compile(r"Encountered error while reading file (?P<path>.+?)\. File does not exist")


def says(error: BaseException, text: str) -> bool:
    """Return whether an error, or one that it came from, has a text."""
    return any(text in each for each in texts(error))


def no_bucket(folders: Folders, vpc_logs_path: str) -> bool:
    """Return whether the storage says that the bucket of the VPC Logs Path does not exist.

    Auto Loader would say so too, but only after the tables and the checkpoint were made. Every other answer is left to
    it: a role that may read the files need not be allowed to list this folder.
    """
    if scheme_of(vpc_logs_path) != "s3":
        return False
    try:
        folders.names(f"{_root(vpc_logs_path)}/")
    except CannotLook as error:
        return any(sign in str(error) for sign in _NO_SUCH_BUCKET)
    return False


def no_files_yet(error: BaseException, vpc_logs_path: str) -> bool:
    """Return whether an error means that the VPC Logs Path itself, a prefix of a bucket, is not there yet.

    A bucket that does not exist is a mistake, and so is a folder; a file below the path that is gone is another matter.
    """
    path = load_path(vpc_logs_path)
    if scheme_of(path) != "s3":
        return False
    named = re.compile(re.escape(path) + r"(?:/?\*?)(?![A-Za-z0-9_*/=-])")
    return any(named.search(line) for line in _lines(error, _NO_SUCH_PATH))


def gone_file(error: BaseException, vpc_logs_path: str) -> str | None:
    """Return the file below the VPC Logs Path that an error says is gone; None for other errors."""
    below = re.escape(_root(vpc_logs_path).removeprefix("file:").removeprefix("s3:"))
    named = re.compile(rf"(?:s3[an]?:|file:)?{below}/(?!\*)[^\s'\",;]*[^\s'\",;.:]")
    for line in _lines(error, _NO_SUCH_FILE):
        found = _READING.search(line)
        if found and named.match(found["path"]):
            return found["path"]
        if found is None and (match := named.search(line)):
            return re.sub("^s3[an]:", "s3:", match[0])
    return None


def _root(vpc_logs_path: str) -> str:
    """Return the folder that all files lie below: the path up to its first wildcard."""
    return _WILDCARD.split(load_path(vpc_logs_path))[0].rstrip("/")


def _lines(error: BaseException, signs: tuple[str, ...]) -> list[str]:
    lines = "\n".join(texts(error)).splitlines()
    return [line for line in lines if any(sign in line for sign in signs)]
