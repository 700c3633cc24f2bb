"""What the stand-in says when it cannot go on."""

from __future__ import annotations


class CloudFilesError(RuntimeError):
    """An option, a path or a file that the stream cannot use; the message says which, and what to do next.

    Raised in Spark's Python workers: in the driver it arrives inside Spark's own exception, as the last line of a
    traceback that starts with this class's name. So it is one line, whatever a file is called.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
