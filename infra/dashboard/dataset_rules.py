"""The rules for a dataset and its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = ("STRING", "DATE", "DATETIME", "INTEGER", "DECIMAL")
_COMPLEX_TYPES = (None, "RANGE", "MULTI")

# Texts and comments are not read. A marker follows neither another colon nor a word.
_MARKER = re.compile(r"'(?:[^'\\]|\\.)*'|--[^\n]*|(?<![:\w]):(\w+)(\.\w+)?")
_STRIPPED = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|--[^\n]*")


def problems(dataset: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of a dataset."""
    for key in ("name", "displayName"):
        if not dataset.get(key):
            yield f"{key} is missing"
    lines = dataset.get("queryLines")
    if not lines or not all(isinstance(line, str) for line in lines):
        yield "queryLines is not a list of texts"
        return
    if any(not line.endswith("\n") for line in lines[:-1]):
        yield "a line of queryLines does not end with a line break; the service joins the lines without a separator"
    sql = "".join(lines)
    if ";" in _STRIPPED.sub("", sql):
        yield "the SQL has a semicolon; a dataset is one query"
    yield from _of_the_parameters(dataset.get("parameters", []), sql)


def _of_the_parameters(parameters: list[Mapping[str, Any]], sql: str) -> Iterator[str]:
    declared = {str(parameter.get("keyword")): parameter for parameter in parameters}
    if len(declared) < len(parameters):
        yield "two parameters have the same keyword"
    markers = [(match[1], match[2] or "") for match in _MARKER.finditer(sql) if match[1]]
    names = {name for name, _ in markers}
    for name in sorted(names - set(declared)):
        yield f"the SQL uses :{name}, which is not a declared parameter"
    for name in sorted(set(declared) - names):
        yield f"the SQL does not use the parameter {name}"
    for name, parameter in declared.items():
        kind, complex_kind = parameter.get("dataType"), parameter.get("complexType")
        if kind not in _TYPES or complex_kind not in _COMPLEX_TYPES:
            yield f"the parameter {name} has an invalid type: {kind}, {complex_kind}"
        yield from _of_the_default(name, parameter)
        parts = ("",) if complex_kind != "RANGE" else (".min", ".max")
        if any(part not in parts for marker, part in markers if marker == name):
            yield f"the SQL must use the parameter as {' or '.join(f':{name}{part}' for part in parts)}"


def _of_the_default(name: str, parameter: Mapping[str, Any]) -> Iterator[str]:
    default = parameter.get("defaultSelection")
    if default is None:
        yield f"the parameter {name} has no defaultSelection, so the dataset fails until a value is selected"
        return
    shape = "range" if parameter.get("complexType") == "RANGE" else "values"
    selection = default.get(shape)
    if selection is None or set(default) != {shape}:
        yield f"the defaultSelection of {name} does not have the key {shape} alone"
    elif selection.get("dataType") != parameter.get("dataType"):
        yield f"the defaultSelection of {name} has another dataType than the parameter"
    elif shape == "range" and not all(selection.get(end, {}).get("value") for end in ("min", "max")):
        yield f"the defaultSelection of {name} does not have both ends"
