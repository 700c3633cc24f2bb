"""The examples of README.md run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def marked_blocks(name: str) -> list[str]:
    return re.findall(rf"<!-- {name} -->\n```[a-z]+\n(.*?)```", TEXT, flags=re.DOTALL)


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
