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
    found: dict[str, type[Section]] = {}
    for key, field in table.model_fields.items():
        section, _ = table_of(field.annotation)
        if section is not None:
            found |= {f"{place}{key}": section, **sections(section, f"{place}{key}.")}
    return found


SECTIONS = sections(EnvironmentFile)


def rows() -> dict[str, dict[str, str]]:
    """Return the example of each key, by section, as the page has them."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name = re.sub(r"[`\[\]]", "", part.splitlines()[0])
        found[name] = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*?) ?\|$", part, flags=re.MULTILINE))
    return found


def test_the_page_is_the_one_that_the_schema_makes(update: bool) -> None:
    golden(PAGE, page(), update=update)


def test_the_page_has_every_key() -> None:
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
        # Other required keys are missing.
        assert [problem for problem in problems if problem.key == key or "is missing" not in problem.text] == []


def test_no_example_is_the_default() -> None:
    assert [
        f"{name}.{key}"
        for name, section in SECTIONS.items()
        for key, field in section.model_fields.items()
        if table_of(field.annotation)[0] is None and example_of(field) == field.get_default()
    ] == []


def test_the_accounts_of_the_examples_are_refused_by_a_deploy() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"\b[0-9]{12}\b(?!-)", re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}", "", text))) <= ACCOUNTS


@pytest.mark.parametrize("value", [True, 30, 'a"b\\c é', ["x", "y"], [], {}, {"team": "network"}])
def test_a_value_is_spelled_as_toml_reads_it(value: Any) -> None:
    assert tomllib.loads(f"key = {toml(value)}") == {"key": value}
