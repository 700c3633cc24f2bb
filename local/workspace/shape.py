"""Whether a body has the shape of the request: told by the type hints of databricks-sdk, for any request.

The SDK is generated from the service's own definition, so its method signatures and dataclasses say which keys there
are, which of them are required, and of which type each is. The real service lets some unknown keys pass; here they
are refused, so that a misspelled setting cannot go unnoticed.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from local.workspace.errors import invalid, malformed

_JSON_NAMES = {dict: "OBJECT", list: "ARRAY", str: "STRING", bool: "BOOLEAN", int: "NUMBER", float: "NUMBER"}


@dataclasses.dataclass(frozen=True)
class Field:
    """A key of a JSON object: the Python type of its value, and whether it must be there."""

    hint: Any
    required: bool


Shape = Mapping[str, Field]


def of_method(method: Callable[..., Any], *, but: tuple[str, ...] = ()) -> Shape:
    """Return the shape of the body that a method of the SDK sends.

    Args:
        method: such as ``JobsAPI.create``.
        but: parameters that are not in the body, because they are in the path.
    """
    hints = typing.get_type_hints(method)
    return {
        name: Field(hints[name], parameter.default is inspect.Parameter.empty)
        for name, parameter in inspect.signature(method).parameters.items()
        if name != "self" and name not in but
    }


@functools.cache
def of_class(cls: type) -> Shape:
    """Return the shape of a dataclass of the SDK."""
    hints = typing.get_type_hints(cls)
    return {
        one.name: Field(
            hints[one.name], one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        )
        for one in dataclasses.fields(cls)
    }


def check(body: Any, shape: Shape, where: str = "") -> None:
    """Check a JSON object.

    Raises:
        ApiError: for the first key that is unknown or missing, or the first value of a wrong type.
    """
    if not isinstance(body, dict):
        raise _wrong("object", where or "body", body)
    for key, value in body.items():
        name = f"{where}.{key}" if where else key
        if key not in shape:
            raise malformed(f"Could not parse request object: Unknown field '{name}'")
        if value is not None:
            _check_value(value, shape[key].hint, name)
    for key, expected in shape.items():
        if expected.required and body.get(key) is None:
            raise invalid(f"Missing required field '{where}.{key}'" if where else f"Missing required field '{key}'")


def _check_value(value: Any, hint: Any, name: str) -> None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        # The SDK has no other union than Optional.
        (hint,) = (one for one in arguments if one is not type(None))
        _check_value(value, hint, name)
    elif origin is list:
        if not isinstance(value, list):
            raise _wrong("array", name, value)
        for index, one in enumerate(value):
            _check_value(one, arguments[0], f"{name}[{index}]")
    elif origin is dict:
        if not isinstance(value, dict):
            raise _wrong("object", name, value)
        for key, one in value.items():
            _check_value(one, arguments[1], f"{name}.{key}")
    elif hint is Any:
        return
    elif dataclasses.is_dataclass(hint):
        check(value, of_class(typing.cast(type, hint)), name)
    else:
        _check_scalar(value, hint, name)


def _check_scalar(value: Any, hint: Any, name: str) -> None:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        allowed = [one.value for one in hint]
        if value not in allowed:
            raise invalid(f"Invalid value '{value}' for field {name}: must be one of {', '.join(map(str, allowed))}")
    elif hint is bool:
        if not isinstance(value, bool):
            raise _wrong("boolean", name, value)
    elif hint in (int, float):
        if isinstance(value, bool) or not isinstance(value, (int, float) if hint is float else int):
            raise _wrong("number", name, value)
    elif not isinstance(value, str):
        # Times and durations too are strings on the wire.
        raise _wrong("string", name, value)


def _wrong(expected: str, name: str, value: Any) -> Exception:
    found = _JSON_NAMES.get(type(value), "NULL")
    return malformed(f"Could not parse request object: Expected {expected} for field {name}, found {found}")
