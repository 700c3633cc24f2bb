"""docs/environment.md lists every key of the schema, and its examples are valid."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from infra.environment.examples import ACCOUNTS
from infra.environment.schema import EnvironmentFile, Section
from infra.environment.validation import read
from tests.support.golden import golden
from tools.environment_reference import PAGE, example_of, page, table_of, toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def sections(table: type[Section], place: str = "") -> dict[str, type[Section]]:
    """Return the class of each TOML table below a section, by its dotted name."""
    tables: dict[str, type[Section]] = {}
    for key, field in table.model_fields.items():
        section, _ = table_of(field.annotation)
        if section is not None:
            tables |= {f"{place}{key}": section, **sections(section, f"{place}{key}.")}
    return tables


SECTIONS = sections(EnvironmentFile)


def rows() -> dict[str, dict[str, str]]:
    """Return the example of each key on the page, by section."""
    examples: dict[str, dict[str, str]] = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name = re.sub(r"[`\[\]]", "", section.splitlines()[0])
        examples[name] = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*?) ?\|$", section, flags=re.MULTILINE))
    return examples


def test_the_page_is_generated_from_the_schema(update: bool) -> None:
    golden(PAGE, page(), update=update)


def test_the_page_lists_every_key() -> None:
    assert {name: set(keys) for name, keys in rows().items()} == {
        name: set(section.model_fields) for name, section in SECTIONS.items()
    }


@pytest.mark.parametrize("name", SECTIONS)
def test_every_example_is_valid(name: str) -> None:
    for key, cell in rows()[name].items():
        if table_of(SECTIONS[name].model_fields[key].annotation)[0] is not None:
            assert cell == ""
            continue
        raw = tomllib.loads(cell.strip("`"))
        assert list(raw) == [key]
        _, problems = read(SECTIONS[name], raw)
        # The other required keys are missing, which is expected.
        assert [problem for problem in problems if problem.key == key or "is missing" not in problem.text] == []


def test_no_example_is_the_default_value() -> None:
    assert [
        f"{name}.{key}"
        for name, section in SECTIONS.items()
        for key, field in section.model_fields.items()
        if table_of(field.annotation)[0] is None and example_of(field) == field.get_default()
    ] == []


def test_a_deploy_rejects_the_accounts_of_the_examples() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"\b[0-9]{12}\b(?!-)", re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}", "", text))) <= ACCOUNTS


@pytest.mark.parametrize("value", [True, 30, 'a"b\\c é', ["x", "y"], [], {}, {"team": "network"}])
def test_a_value_round_trips_through_toml(value: Any) -> None:
    assert tomllib.loads(f"key = {toml(value)}") == {"key": value}
