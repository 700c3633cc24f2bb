"""The error of the Auto Loader stand-in."""

from __future__ import annotations


class CloudFilesError(RuntimeError):
    """The stream cannot use an option, a path or a file; the message names it and the next step.

    It is raised in Spark's Python workers. In the driver it arrives inside Spark's own exception, as the last line of a
    traceback, and starts with this class's name. The message is therefore one line, whatever characters a file name
    contains.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
