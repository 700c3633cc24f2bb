"""The version of the job package is the only version; every other place uses it."""

import re
from pathlib import Path

from infra.outputs import outputs
from tests.support.environment_files import environment
from vpc_flow_logs import __version__

ROOT = Path(__file__).parents[2]


def test_the_stack_outputs_the_version_of_the_wheel(tmp_path):
    assert (
        outputs(environment(tmp_path), job_parameters={}, maintenance_parameters={}, workspace_outputs={})["Version"]
        == __version__
    )


def test_the_changelog_begins_with_the_version():
    released = re.findall(r"^## ([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert released[0] == __version__


def test_workspace_requests_send_the_version():
    product = re.search(r'with_product\("[\w-]+", "([^"]+)"\)', (ROOT / "infra/workspace/client.py").read_text())

    assert product is not None
    assert product[1] == __version__


def test_the_wheel_reads_the_version_from_the_package():
    project = (ROOT / "job" / "pyproject.toml").read_text()

    assert 'version = { attr = "vpc_flow_logs.__version__" }' in project
