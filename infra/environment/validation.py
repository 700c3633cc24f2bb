"""Validate the tables of a TOML file: return typed settings, and all problems in the file rather than only the first.

pydantic checks each value. A key with a problem is left out, so that the checks across keys can still check the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.environment.problems import Problem
from infra.environment.secrets import CREDENTIALS, SECRET_ADVICE, looks_like_secret, place_of, shown

Model = TypeVar("Model", bound=BaseModel)

# pydantic's error types for a value of the wrong type, and the right type in TOML.
_NEEDED = {
    "string_type": 'a string in quotes ("…")',
    "bool_type": "true or false",
    "int_type": "a whole number without quotes",
    "tuple_type": "an array ([…])",
    "dict_type": "a table ({ key = value })",
}


def read(model: type[Model], raw: Mapping[str, object], *, place: str = "") -> tuple[Model, list[Problem]]:
    """Return the settings of one table, and its problems.

    Keys with a problem are missing from the settings and must not be read.
    """
    problems = [Problem(place_of(place, key), _unknown(key, model)) for key in raw if key not in model.model_fields]
    values: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        if key not in raw:
            if field.is_required():
                problems.append(Problem(place_of(place, key), f"is missing ({field.description})"))
            else:
                values[key] = field.get_default()
            continue
        value, value_problems = _read_value(field, raw[key], place_of(place, key))
        problems += value_problems
        if not value_problems or isinstance(value, BaseModel | tuple):
            values[key] = value
    return model.model_construct(**values), problems


def _read_value(field: FieldInfo, raw: object, place: str) -> tuple[Any, list[Problem]]:
    inner, many = _table_of(field.annotation)
    if inner is None:
        return _read_leaf(field, raw, place)
    if not many:
        if not isinstance(raw, dict):
            return None, [Problem(place, f"{shown(raw)} is not a table ([{place}])")]
        return read(inner, raw, place=place)
    if not isinstance(raw, list) or not all(isinstance(table, dict) for table in raw):
        return None, [Problem(place, f"{shown(raw)} is not an array of tables ([[{place}]])")]
    pairs = [read(inner, table, place=f"{place}[{number}]") for number, table in enumerate(raw, 1)]
    return tuple(value for value, _ in pairs), [problem for _, problems in pairs for problem in problems]


def _read_leaf(field: FieldInfo, raw: object, place: str) -> tuple[Any, list[Problem]]:
    kind: Any = field.annotation
    for rule in field.metadata:
        kind = Annotated[kind, rule]
    try:
        return TypeAdapter(kind, config={"strict": True}).validate_python(raw), []
    except ValidationError as error:
        return None, [Problem(_spot(place, detail), _sentence(detail)) for detail in _first_each(error)]


def _first_each(error: ValidationError) -> list[ErrorDetails]:
    """Return the first error at each place: TOML has no null, so errors about the None in `str | None` do not matter.

    An array with invalid items is not also reported as empty.
    """
    details: dict[tuple[int | str, ...], ErrorDetails] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] != "too_short" or not detail["input"]:
            details.setdefault(tuple(part for part in detail["loc"] if not _is_type(part)), detail)
    return list(details.values())


def _is_type(part: int | str) -> bool:
    """Return whether a part of pydantic's location names a member of a union rather than a place in the file."""
    return isinstance(part, str) and (part.endswith("]") or part in ("str", "int", "[key]", "none"))


def _spot(place: str, detail: ErrorDetails) -> str:
    for part in detail["loc"]:
        if isinstance(part, int):
            place += f"[{part + 1}]"
        elif not _is_type(part):
            place = place_of(place, part)
    return place


def _sentence(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if isinstance(value, str) and looks_like_secret(value):
        return SECRET_ADVICE
    if kind == "value_error":
        text = str(context["error"])
        return f"{shown(value)} {text}" if text.startswith(("is ", "has ", "needs ", "never ")) else text
    if kind in _NEEDED:
        return f"{shown(value)} is not {_NEEDED[kind]}"
    if kind == "literal_error":
        return (
            f"{shown(value)} is not one of {str(context['expected']).replace(' or ', ', ').replace(chr(39), chr(34))}"
        )
    if kind == "too_long":
        return f"{shown(value)} has {context['actual_length']} items; at most {context['max_length']} are allowed"
    if kind == "too_short":
        return f"{shown(value)} is empty; remove the key instead"
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"{shown(value)} is out of range; use {bound}"
    return f"{shown(value)}: {detail['msg']}"


def _unknown(key: str, model: type[BaseModel]) -> str:
    keys = list(model.model_fields)
    close = get_close_matches(key, keys, n=1)
    text = f"unknown key; valid keys are {', '.join(keys)}"
    if close:
        return f"{text} (did you mean {close[0]}?)"
    if re.search("token|password|secret|access_key", key, re.IGNORECASE):
        return f"{text}. {CREDENTIALS}"
    return text


def _table_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """Return the class of the table that a key holds, or None, and whether the key holds several."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
    many = get_origin(annotation) is tuple
    if many:
        annotation = get_args(annotation)[0]
    is_table = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation if is_table else None), many
