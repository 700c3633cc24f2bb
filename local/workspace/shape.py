"""Check request bodies against the type hints of databricks-sdk.

The SDK is generated from the service's own definition, so its method signatures and dataclasses define the valid keys,
the required keys, and their types. The real service accepts some unknown keys. The stand-in rejects them, so that a
misspelled setting is noticed.
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
    """A key of a JSON object: the Python type of its value, and whether it is required."""

    hint: Any
    required: bool


Shape = Mapping[str, Field]


def of_method(method: Callable[..., Any], *, but: tuple[str, ...] = ()) -> Shape:
    """Return the shape of the body that an SDK method sends.

    Args:
        method: the method, such as ``JobsAPI.create``.
        but: parameters that are part of the path and not of the body.
    """
    hints = typing.get_type_hints(method)
    return {
        name: Field(hints[name], parameter.default is inspect.Parameter.empty)
        for name, parameter in inspect.signature(method).parameters.items()
        if name != "self" and name not in but
    }


@functools.cache
def of_class(cls: type) -> Shape:
    """Return the shape of an SDK dataclass."""
    hints = typing.get_type_hints(cls)
    return {
        field.name: Field(
            hints[field.name], field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        for field in dataclasses.fields(cls)
    }


def check(body: Any, shape: Shape, where: str = "") -> None:
    """Check a JSON object.

    Raises:
        ApiError: for the first unknown or missing key, or the first value of the wrong type.
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
        # Optional is the only union in the SDK.
        (hint,) = (argument for argument in arguments if argument is not type(None))
        _check_value(value, hint, name)
    elif origin is list:
        if not isinstance(value, list):
            raise _wrong("array", name, value)
        for index, item in enumerate(value):
            _check_value(item, arguments[0], f"{name}[{index}]")
    elif origin is dict:
        if not isinstance(value, dict):
            raise _wrong("object", name, value)
        for key, item in value.items():
            _check_value(item, arguments[1], f"{name}.{key}")
    elif hint is Any:
        return
    elif dataclasses.is_dataclass(hint):
        check(value, of_class(typing.cast(type, hint)), name)
    else:
        _check_scalar(value, hint, name)


def _check_scalar(value: Any, hint: Any, name: str) -> None:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        allowed = [member.value for member in hint]
        if value not in allowed:
            raise invalid(f"Invalid value '{value}' for field {name}: must be one of {', '.join(map(str, allowed))}")
    elif hint is bool:
        if not isinstance(value, bool):
            raise _wrong("boolean", name, value)
    elif hint in (int, float):
        if isinstance(value, bool) or not isinstance(value, (int, float) if hint is float else int):
            raise _wrong("number", name, value)
    elif not isinstance(value, str):
        # Times and durations are strings in JSON, too.
        raise _wrong("string", name, value)


def _wrong(expected: str, name: str, value: Any) -> Exception:
    actual = _JSON_NAMES.get(type(value), "NULL")
    return malformed(f"Could not parse request object: Expected {expected} for field {name}, found {actual}")
