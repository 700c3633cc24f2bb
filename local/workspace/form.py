"""Forms with files (``multipart/form-data``, RFC 7578), bytes left as they are."""

from __future__ import annotations

from email.message import Message

from local.workspace.errors import malformed


def parse_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return the form's parts by name; of two with the same name the last one.

    Raises:
        ApiError: when the body is no such form.
    """
    boundary = _parameter(content_type, "boundary")
    if not boundary:
        raise malformed("Could not parse request object: the form has no boundary")
    parts: dict[str, bytes] = {}
    # What is before the first boundary and behind the last one means nothing.
    for part in body.split(b"--" + boundary.encode())[1:]:
        if part.startswith(b"--"):
            return parts
        head, separator, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _name(head.decode("utf-8", "replace"))
        if not separator or name is None:
            raise malformed("Could not parse request object: a part of the form has no name")
        parts[name] = content.removesuffix(b"\r\n")
    raise malformed("Could not parse request object: the form is cut off")


def _name(head: str) -> str | None:
    for line in head.split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == "content-disposition":
            return _parameter(value.strip(), "name")
    return None


def _parameter(header: str, name: str) -> str | None:
    message = Message()
    message["Content-Type"] = header
    found = message.get_param(name, unquote=True)
    return found if isinstance(found, str) else None
