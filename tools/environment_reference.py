"""Reference of the environment file's keys, written from the schema: ``python -m tools.environment_reference``.

``make docs`` writes docs/environment.md. Types, defaults, descriptions and examples come from
``infra/environment/schema.py``, so a new key needs no work here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic.fields import FieldInfo

from infra.environment.schema import EnvironmentFile, Section

PAGE = Path(__file__).resolve().parent.parent / "docs" / "environment.md"

# A default that the schema describes in words.
_DEFAULT = re.compile(r" \(default: ([^)]*)\)")

_INTRODUCTION = """\
# Keys of the environment file

<!-- Written by `make docs` from infra/environment/schema.py. -->

One TOML file describes one environment. `ENV=staging` selects `environments/staging.toml`, and `ENV=path/to/mine.toml`
selects any other file. The name of the file, without `.toml`, is the name of the environment: at most 30 letters,
digits and hyphens, starting with a letter.

Start with a copy of [minimal.toml](../environments/minimal.toml), which has only the required keys.
[staging.toml](../environments/staging.toml) has every key with a comment, and
[production.toml](../environments/production.toml) is a larger example.

`make synth ENV=NAME` checks a file offline and reports all problems at once. An unknown key is an error. `make deploy`
rejects a file that still has an account, ID, name or host of these examples.
"""

_INTRODUCTIONS = {
    "aws": "The account and region of the bucket and of the main stack.",
    "log_bucket": "The bucket that AWS delivers flow logs to.",
    "flow_logs": """\
One flow log. Repeat this table for each flow log. A new bucket needs at least one.

Each flow log needs exactly one target: `vpc`, `subnet`, `network_interface` or `transit_gateway`. AWS cannot change a
flow log: if any key but `tags` changes, the stack creates a new flow log and then deletes the old one. The job reads
each file by its own header line. For `fields`, [answers.md](answers.md#recommended-fields) has a list to copy.""",
    "flow_logs.tag_keys": """\
The tag keys for the tag fields of a flow log. Write this table on one line: `tag_keys = { instance = ["team"] }`.
Each tag field in `fields` needs its tag key, and each tag key needs its field.""",
    "reader": "The role that the job reads with, and the role that may pass it to EC2.",
    "workspace": """\
The Databricks workspace. This table is optional: without it, only the AWS half is deployed, and the outputs of the
stack list what to register in the workspace by hand.""",
    "workspace.cluster": "The cluster that the job runs on. This table is optional.",
    "job": "The streaming job and its tables.",
    "answers": """\
The views and table functions that the job creates next to its table. This table is optional. See
[answers.md](answers.md#names-of-addresses).""",
    "maintenance": """\
The maintenance job, a second job on a schedule. It adds finished hours to the hourly roll-up, deletes expired rows, and
compacts the tables. This table is optional: without it, the job runs daily and no row expires. The job has the
instance profile, the permissions and the failure emails of the streaming job. See
[operate.md](operate.md#the-maintenance-job).""",
}


def page() -> str:
    """Return docs/environment.md."""
    return "\n".join([_INTRODUCTION, *_sections(EnvironmentFile, "")])


def _sections(table: type[Section], place: str) -> Iterator[str]:
    for key, field in table.model_fields.items():
        section, many = table_of(field.annotation)
        if section is None:
            continue
        name = f"{place}{key}"
        yield f"## {_heading(name, many=many)}\n"
        yield f"{_INTRODUCTIONS.get(name) or _sentence(field.description or '')}\n"
        yield "| key | type | default | meaning | example |\n|---|---|---|---|---|"
        yield from (_row(name, *item) for item in section.model_fields.items())
        yield ""
        yield from _sections(section, f"{name}.")


def _heading(name: str, *, many: bool) -> str:
    if many:
        return f"`[[{name}]]`"
    return f"`[{name}]`" if not name.startswith("flow_logs") else f"`{name}`"


def _row(place: str, key: str, field: FieldInfo) -> str:
    section, _ = table_of(field.annotation)
    if section is not None:
        anchor = f"{place}.{key}".replace(".", "")
        meaning = f"{_sentence(field.description or '')} See [{place}.{key}](#{anchor})."
        return f"| `{key}` | table | {_default(field)} | {meaning} | |"
    example = f"`{key} = {toml(example_of(field))}`"
    return f"| `{key}` | {_type(field)} | {_default(field)} | {_sentence(field.description or '')} | {example} |"


def table_of(annotation: Any) -> tuple[type[Section] | None, bool]:
    """Return the table class of a key, or None if its value is not a table, and whether it is an array of tables."""
    annotation = _without_none(annotation)
    many = get_origin(annotation) is tuple
    if many:
        annotation = get_args(annotation)[0]
    is_table = isinstance(annotation, type) and issubclass(annotation, Section)
    return (annotation if is_table else None), many


def example_of(field: FieldInfo) -> Any:
    """Return a key's example; for true and false, the value that is not the default.

    Raises:
        ValueError: The schema has no example for the key.
    """
    if field.annotation is bool:
        return not field.default
    if not field.examples:
        raise ValueError(f"add examples=[...] to the key with the description {field.description!r}")
    return field.examples[0]


def toml(value: Any) -> str:
    """Return a value as a TOML file spells it.

    >>> toml({"team": "network"}), toml([True, 1])
    ('{ team = "network" }', '[true, 1]')
    """
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(item)}' for key, item in value.items())} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _type(field: FieldInfo) -> str:
    kind = _without_none(field.annotation)
    metadata = list(field.metadata)
    while get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        metadata += [each for info in more for each in (info.metadata if isinstance(info, FieldInfo) else [info])]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{toml(choice)}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        longest = next((each.max_length for each in metadata if isinstance(each, MaxLen)), None)
        return "array of strings" + (f", at most {longest}" if longest else "")
    if get_origin(kind) is dict:
        return "table of strings"
    if kind is int:
        low = next(each.ge for each in metadata if isinstance(each, Ge))
        high = next(each.le for each in metadata if isinstance(each, Le))
        return f"integer, {low} to {high:,}"
    return "boolean" if kind is bool else "string"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if described := _DEFAULT.search(field.description or ""):
        return described[1]
    default = field.get_default()
    return "not set" if default is None or default == "" or isinstance(default, Section) else f"`{toml(default)}`"


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not NoneType)
    return annotation


def _sentence(description: str) -> str:
    """Return a description as a sentence, without the default, which has its own column."""
    text = _DEFAULT.sub("", description)
    return f"{text[:1].upper()}{text[1:]}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(PAGE.parent.parent)}")
