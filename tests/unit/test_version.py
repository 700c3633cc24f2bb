"""There is one version, that of the job's package; all that tells one tells the same."""

import re
from pathlib import Path

from infra.outputs import outputs
from tests.support.environment_files import environment
from vpc_flow_logs import __version__

ROOT = Path(__file__).parents[2]


def test_the_stack_tells_the_version_of_the_wheel(tmp_path):
    assert outputs(environment(tmp_path), {}, {})["Version"] == __version__


def test_the_changelog_begins_with_it():
    released = re.findall(r"^## ([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert released[0] == __version__


def test_the_workspace_is_told_it():
    told = re.search(r'with_product\("[\w-]+", "([^"]+)"\)', (ROOT / "infra/workspace/client.py").read_text())

    assert told is not None
    assert told[1] == __version__


def test_the_wheel_takes_it_from_the_package():
    project = (ROOT / "job" / "pyproject.toml").read_text()

    assert 'version = { attr = "vpc_flow_logs.__version__" }' in project
