"""What tests of several kinds share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from local import spark as local_spark


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out, where there is no boto3, the modules that are not of `make test-lts`: they import more than it has."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_") or find_spec("boto3"):
        return None
    return None if "pytest.mark.lts" in collection_path.read_text(encoding="utf-8") else True


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One Spark session with Delta Lake for all tests, its tables in a temporary folder."""
    # A Java that lives for minutes: compiled quickly and not twice.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    session = local_spark.session(warehouse=tmp_path_factory.mktemp("warehouse"))
    yield session
    local_spark.stop(session)
