"""What tests of several kinds share."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import infra  # noqa: F401 - before CDK is imported, because it names the Node that CDK runs
from local.laptop import spark as local_spark


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that updates golden texts."""
    parser.addoption("--update", action="store_true", help="write the golden texts that differ, instead of failing")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Return whether golden texts should be written; see ``tests/support/golden.py``."""
    return bool(request.config.getoption("--update"))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out, where there is no boto3, the modules that are not of `make test-lts`: they import more than it has."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_") or find_spec("boto3"):
        return None
    return None if "pytest.mark.lts" in collection_path.read_text(encoding="utf-8") else True


def pytest_sessionstart() -> None:
    """Have the signals heard that tests send to what they start.

    A suite that is started in the background, or with nohup, begins with some of them ignored, and so do its children.
    """
    for number, usual in {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the modules with slow tests first, so that the last worker to finish waits for a short module."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many seconds the tests of each folder took, added up over all workers."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds["/".join(report.nodeid.split("/")[:2])] += report.duration
    if len(seconds) > 1:
        terminalreporter.section("seconds of each folder")
        for folder, total in seconds.most_common():
            terminalreporter.write_line(f"{total:7.1f} {folder}")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One Spark session with Delta Lake for all tests, its tables in a temporary folder."""
    # A Java that lives for minutes: compiled quickly and not twice.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    # Tests have many small queries: to compile each costs more than to interpret it. Runs in processes do compile.
    interpreted = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    session = local_spark.session(warehouse=tmp_path_factory.mktemp("warehouse"), extra=interpreted)
    yield session
    local_spark.stop(session)
