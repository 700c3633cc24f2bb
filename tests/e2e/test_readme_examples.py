"""The examples of README.md run as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.laptop.spark import QUICK_START

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def marked_blocks(name: str) -> list[str]:
    return re.findall(rf"<!-- {name} -->\n```[a-z]+\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.slow
def test_the_examples_of_the_readme_run_as_printed(tmp_path):
    for name in ("infra", "local", "job"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    generate, ingest, ask = marked_blocks("tested")

    run(generate, tmp_path)
    ingest_output = run(ingest, tmp_path)
    answer = run(ask, tmp_path)

    assert "20,000 records, 0 quarantined lines" in ingest_output
    assert re.search(r"^ ?srcaddr +ports +addresses +records +packets +bytes *$", answer, flags=re.MULTILINE)
    rows = [line.split() for line in answer.splitlines() if re.match(r" ?[\da-f]+[.:]", line)]
    records = [int(row[3].replace(",", "")) for row in rows]
    assert len(records) == 5
    assert records == sorted(records, reverse=True)


def run(command: str, folder: Path) -> str:
    # PYTHONPATH would take precedence over the folder. For a short-lived Java process, quick compilation is best.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["JDK_JAVA_OPTIONS"] = " ".join(QUICK_START)
    process = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    return process.stdout
