"""README.md and docs/reference.md describe what the code does."""

import re
from pathlib import Path

import pytest

from vpc_flow_logs import table, table_columns, table_properties
from vpc_flow_logs.fields import FIELDS, SERVICE_COLUMNS
from vpc_flow_logs.parameters import OPTIONAL, REQUIRED
from vpc_flow_logs.usage import USAGE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def marked_table(name: str, text: str) -> list[list[str]]:
    """Return the cells of the table below a comment, without backquotes, header row and rule."""
    assert text.count(f"<!-- {name} -->\n") == 1, name
    _, _, rest = text.partition(f"<!-- {name} -->\n")
    lines = rest.split("\n\n")[0].splitlines()
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_parameters_are_those_of_the_job_in_the_same_order():
    names = [row[0].removeprefix("--") for row in marked_table("parameters", TEXT)]

    assert names == [*REQUIRED, *OPTIONAL]
    assert all(f"--{name}" in USAGE for name in names)


def test_the_service_columns_are_those_of_the_job():
    assert [tuple(row) for row in marked_table("columns", REFERENCE)] == [
        (name, *table_columns.SERVICE[name]) for name in SERVICE_COLUMNS
    ]


def test_the_table_properties_are_those_of_the_job():
    assert marked_table("properties", REFERENCE) == [
        [entry.key, entry.value, entry.reason.replace("`", "")] for entry in table_properties.PROPERTIES
    ]


def test_readme_names_the_service_columns():
    section = TEXT.partition("\n## The tables\n")[2].partition("\n## ")[0]

    assert [name for name in SERVICE_COLUMNS if f"`{name}`" not in section] == []


def test_the_quarantine_columns_are_those_of_the_job():
    expected = [(name, type_, text) for name, (type_, text) in table_columns.QUARANTINE.items()]

    assert [tuple(row) for row in marked_table("quarantine", REFERENCE)] == expected


@pytest.mark.parametrize("type_", ["INT", "BIGINT"])
def test_the_integer_fields_are_those_of_the_field_catalog(type_):
    fields = {row[0]: row[1] for row in marked_table("types", REFERENCE)}

    assert fields[type_].split(", ") == [field.name for field in FIELDS if field.type == type_]


def test_the_number_of_fields_is_correct():
    assert f"lists all {len(FIELDS)} fields" in TEXT


def test_the_clustering_columns_are_those_of_the_table():
    first, second, third = table.CLUSTERED_BY

    assert f"clustered by `{first}`, `{second}` and `{third}`" in TEXT.replace("\n", " ")


def test_the_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"\bmake ([a-z-]+)(?=`|$|  )", TEXT, flags=re.MULTILINE)

    assert {"demo", "test", "check", "lint"} <= set(targets)
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


def test_the_links_to_files_are_valid():
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)

    assert links
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []


def test_the_first_commands_are_the_two():
    first = re.search(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)

    assert first
    assert first[1] == "make demo\nmake test\n"


def test_readme_is_short_and_its_pictures_are_small():
    images = re.findall(r'<img src="([^"]+)"', TEXT)

    assert len(TEXT.splitlines()) <= 250
    assert images
    assert [image for image in images if (ROOT / image).stat().st_size >= 250_000] == []
