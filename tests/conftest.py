"""What tests of several kinds share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from pyspark.sql import SparkSession

from local import spark as local_spark

# `make test-lts` has what the job needs, and nothing of AWS.
_OF_AWS = [
    *("*/test_aws_*", "*/test_stage*", "e2e/test_delivery.py", "e2e/test_runs.py"),
    *("unit/test_cloud_files_[an]*", "e2e/test_cloud_files_*bucket.py"),
]
collect_ignore_glob = [] if find_spec("boto3") else _OF_AWS


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One Spark session with Delta Lake for all tests, its tables in a temporary folder."""
    # A Java that lives for minutes: compiled quickly and not twice.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    session = local_spark.session(warehouse=tmp_path_factory.mktemp("warehouse"))
    yield session
    local_spark.stop(session)
