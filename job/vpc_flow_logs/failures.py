"""Messages for failed runs: the affected path or permission, the storage's error, and the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import quarantine_path
from vpc_flow_logs.terminal import printable

_CAUSES = (
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Permission denied",
    "Not a directory",
    "Mkdirs failed",
    "AccessDenied",
    "Access Denied",
    "NoSuchBucket",
    "Access is denied",
    "ParentNotDirectoryException",
    "FileAlreadyExistsException",
    "Unable to create",
)
# If AWS names the denied action, only a path in the same line is the cause.
_DENIED_CALL = re.compile(r"\b(?:s3|sqs|sns|kms):[A-Z][A-Za-z]+")
_CALL_INTO_JAVA = "An error occurred while calling "
LOAD_AGAIN = "Data loaded so far is kept. Fix the cause and run the job again; it resumes where it stopped."
CHECK_AGAIN = "Nothing was created. Fix the cause and run the check again."
MAINTAIN_AGAIN = "The tables are intact. Fix the cause and run maintain again."
MAINTAIN_LATER = "The tables are intact. Run maintain again, one run at a time."
RUN_AGAIN = "Data loaded so far is kept. Run the job again, one run at a time; it resumes where it stopped."
_LONGEST = 600

_DAMAGED_CHECKPOINT = "MALFORMED_LOG_FILE"
_NEW_CHECKPOINT = (
    "Restore the file from a copy, or use a new folder as Checkpoint Path with --new-checkpoint adopt, which loads "
    "only the files that the table does not have."
)

# Delta's conflicts, and the errors that occur when two first runs create the same table or schema at the same time.
# https://docs.databricks.com/aws/en/delta/concurrency-conflicts
_RACE = re.compile(
    r"Concurrent(?:Append|DeleteDelete|DeleteRead|Transaction|Write|Modification)Exception"
    r"|(?:MetadataChanged|ProtocolChanged|TableAlreadyExists)Exception"
    r"|DELTA_(?:CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED|CREATE_TABLE_WITH_DIFFERENT_\w+)"
    r"|(?:TABLE_OR_VIEW|SCHEMA)_ALREADY_EXISTS|CONCURRENT_STREAM_LOG_UPDATE"
)

# The qualified class of a Python exception in the last line of a traceback, such as that of a data source in a worker.
_PYTHON_ERROR = re.compile(r"(?<![\w.])(?!(?:com|io|java|javax|org|scala)\.)(?:[a-z_]\w*\.)+[A-Z]\w*Error: (?=\S)")


class RunFailed(Exception):
    """The run cannot continue; the text of the exception is the whole message."""


def explained(error: BaseException, parameters: Parameters, *, next_step: str = LOAD_AGAIN) -> str:
    """Return the message for an error of a run: the affected path, the storage's error and the next step.

    Args:
        error: The error.
        parameters: The parameters of the run.
        next_step: The last line of the message.
    """
    race = RUN_AGAIN if next_step == LOAD_AGAIN else ""
    return explained_at(error, _paths(parameters), next_step=next_step, race=race)


def explained_at(error: BaseException, paths: Mapping[str, str], *, next_step: str, race: str = "") -> str:
    """Return the message for an error of a run: the affected path, the storage's error and the next step.

    Args:
        error: The error.
        paths: The paths that the error may name, by their meaning. Of two paths with the same beginning, the longer
            comes first.
        next_step: The last line of the message.
        race: The last line of the message if another run wrote at the same time; if empty, it is like any error.
    """
    text = "\n".join(texts(error))
    if race and (conflict := _RACE.search(text)):
        return f"The run failed: another run wrote at the same time: {_line_with(text, conflict[0])}\n{race}"
    if _DAMAGED_CHECKPOINT in text:
        line = _line_with(text, _DAMAGED_CHECKPOINT)
        return f"The run failed: a file of the checkpoint is damaged: {line}\n{_NEW_CHECKPOINT}"
    cause = next((cause for cause in _CAUSES if cause in text), None)
    line = _line_with(text, cause) if cause else _informative_line(text)
    if cause:
        # Prefer a path in the line with the cause. Other lines may name unrelated paths.
        where = _named_in(line, paths) or ([] if _DENIED_CALL.search(line) else _named_in(text, paths))
        if where:
            return f"The run failed: {where[0]} cannot be used: {line}\n{next_step}"
    if cause and paths and not _DENIED_CALL.search(line):
        every = ", ".join(f"{name} {path!r}" for name, path in paths.items())
        return f"The run failed: {line}\nThe error concerns one of: {every}.\n{next_step}"
    return f"The run failed: {line}\n{next_step}"


def _named_in(text: str, paths: Mapping[str, str]) -> list[str]:
    return [f"{name} {path!r}" for name, path in paths.items() if _bare(path) in text]


def raced(error: BaseException) -> bool:
    """Return whether an operation failed because another one wrote to the table at the same time."""
    return any(map(_RACE.search, texts(error)))


def texts(error: BaseException) -> list[str]:
    """Return the text of an error and of its causes."""
    messages, seen = [], set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        messages.append(str(current))
        current = current.__cause__ or current.__context__
    return messages


def _paths(parameters: Parameters) -> Mapping[str, str]:
    delta = parameters.delta_output_path
    paths = {
        "the path of the quarantine table": quarantine_path(delta),
        "Delta Output Path": delta,
        "Checkpoint Path": parameters.checkpoint_path,
        "VPC Logs Path": parameters.vpc_logs_path.split("*")[0].rstrip("/"),
    }
    return {name: path for name, path in paths.items() if path}


def _bare(path: str) -> str:
    return re.sub(r"^[a-z0-9]+:/*", "", path)


def _line_with(text: str, cause: str) -> str:
    line = next(line for line in text.splitlines() if cause in line)
    return _bare_line(line)


def headline(error: BaseException) -> str:
    """Return the most informative line of an error."""
    text = str(error)
    cause = next((cause for cause in _CAUSES if cause in text), None)
    return _line_with(text, cause) if cause else _informative_line(text)


def _informative_line(text: str) -> str:
    # For a failed call into Java, the exception is in the next line.
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(_CALL_INTO_JAVA)]
    causes = [line for line in lines if line.startswith("Caused by: ") or "Error: " in line]
    line = causes[-1] if causes else lines[0] if lines else "no reason was given"
    return _bare_line(line)


def _bare_line(line: str) -> str:
    """Return a line without its introduction: Java's ``Caused by:`` or the class of a Python exception."""
    line = line.strip().removeprefix("Caused by: ").removeprefix(": ")
    return printable(_PYTHON_ERROR.sub("", line, count=1))[:_LONGEST]
