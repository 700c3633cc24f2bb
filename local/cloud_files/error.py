"""What the stand-in says when it cannot go on."""

from __future__ import annotations


class CloudFilesError(RuntimeError):
    """An option, a path or a file that the stream cannot use; the message says which, and what to do next.

    Raised in Spark's Python workers: in the driver it arrives inside Spark's own exception, as the last line of a
    traceback that starts with this class's name.
    """
