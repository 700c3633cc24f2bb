"""What README.md says is what the code does; its examples run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vpc_flow_logs import table
from vpc_flow_logs.fields import FIELDS, SERVICE_COLUMNS
from vpc_flow_logs.parameters import OPTIONAL, REQUIRED, USAGE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def marked_table(name: str) -> list[list[str]]:
    """The cells of the table below a comment, without backquotes, head and rule left out."""
    _, found, rest = TEXT.partition(f"<!-- {name} -->\n")
    assert found, name
    lines = rest.split("\n\n")[0].splitlines()
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def marked_blocks(name: str) -> list[str]:
    return re.findall(rf"<!-- {name} -->\n```[a-z]+\n(.*?)```", TEXT, flags=re.DOTALL)


def test_parameters_are_those_of_the_job_in_its_order():
    names = [row[0].removeprefix("--") for row in marked_table("parameters")]

    assert names == [*REQUIRED, *OPTIONAL]
    assert all(f"--{name}" in USAGE for name in names)


def test_columns_are_those_the_job_adds():
    assert [tuple(row) for row in marked_table("columns")] == [
        (name, *table._SERVICE[name]) for name in SERVICE_COLUMNS
    ]


def test_quarantine_columns_are_those_the_job_makes():
    expected = [(name, type_, text) for name, (type_, text) in table._QUARANTINE.items()]

    assert [tuple(row) for row in marked_table("quarantine")] == expected


@pytest.mark.parametrize("type_", ["INT", "BIGINT"])
def test_integer_fields_are_those_of_the_catalogue(type_):
    told = {row[0]: row[1] for row in marked_table("types")}

    assert told[type_].split(", ") == [field.name for field in FIELDS if field.type == type_]


def test_the_number_of_fields_is_right():
    assert f"lists all {len(FIELDS)} fields" in TEXT


def test_clustering_is_the_tables():
    first, second, third = table.CLUSTERED_BY

    assert f"clustered by `{first}`, `{second}` and `{third}`" in TEXT.replace("\n", " ")


def test_make_targets_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = re.findall(r"\bmake ([a-z-]+)(?=`|$|  )", TEXT, flags=re.MULTILINE)

    assert {"demo", "test", "lint"} <= set(told)
    assert [target for target in told if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)

    assert links
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []


@pytest.mark.slow
def test_examples_run_as_they_stand(tmp_path):
    for name in ("local", "job"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    generate, ingest, query = marked_blocks("tested")

    run(generate, tmp_path)
    loaded = run(ingest, tmp_path)
    shown = run(query, tmp_path)

    assert "20,000 records, 0 quarantined lines" in loaded
    assert re.search(r"\|\s*srcaddr\|dstport\|direction\|flows\|", shown)
    assert len(re.findall(r"\|\s*\d+\|\s+(?:in|e)gress\|\s*\d+\|", shown)) == 5


def run(command: str, folder: Path) -> str:
    # PYTHONPATH would go before the folder; and a Java that lives for seconds is best compiled quickly.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout
