"""Entry points that Databricks calls in the wheel, and interfaces that the wheel must not use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import vpc_flow_logs

pytestmark = pytest.mark.lts

FORBIDDEN = r"_jvm|_jsparkSession|_jsc\b|sparkContext|accumulator\(|import py4j|from py4j|databaseExists\("
PACKAGE = Path(vpc_flow_logs.__file__).parent


@pytest.mark.parametrize("name", ["ingest", "verify", "maintain"])
def test_an_entry_point_can_be_called_as_a_function_of_the_package(name: str) -> None:
    from vpc_flow_logs import main

    assert getattr(vpc_flow_logs, name) is getattr(main, name)


def test_importing_the_package_does_not_import_spark() -> None:
    code = "import vpc_flow_logs, vpc_flow_logs.fields, vpc_flow_logs.parameters, sys; print('pyspark' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


@pytest.mark.parametrize("module", sorted(PACKAGE.glob("**/*.py")), ids=lambda path: path.name)
def test_no_module_uses_java_objects_or_the_hive_metastore(module: Path) -> None:
    """A run has no credentials for Hadoop's file systems, and some compute has no Java gateway or Spark context."""
    code = "\n".join(line.partition("#")[0] for line in module.read_text().splitlines())
    assert not re.findall(FORBIDDEN, code)
