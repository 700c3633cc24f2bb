"""Options, hooks and fixtures for all tests."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from xdist.scheduler import LoadFileScheduling

import infra  # noqa: F401 - before CDK is imported, because it names the Node that CDK runs
from local.laptop import spark as local_spark

MANY_SMALL_QUERIES = {
    # Interpret queries instead of compiling them.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Describe plans briefly. The web UI, which shows the descriptions, is off.
    "spark.sql.ui.explainMode": "simple",
    # Fork Python workers from a process that has already imported their modules.
    "spark.python.daemon.module": "tests.support.python_workers",
}
"""Spark settings that make many small queries faster. Tests that start processes use the settings of `local.laptop`."""


QUICK = ("tests/infra", "tests/unit", "tests/mutants")
"""Folders of the tests that need no emulator and no Spark."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that updates golden texts."""
    parser.addoption("--update", action="store_true", help="write the golden texts that differ, instead of failing")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Return the value of the option ``--update``; see ``tests/support/golden.py``."""
    return bool(request.config.getoption("--update"))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without boto3, skip the modules and folders that are not part of `make test-lts`, such as ``tests/e2e/stage``.

    These cannot be imported without it.
    """
    if find_spec("boto3"):
        return None
    modules = [collection_path] if collection_path.is_file() else [*collection_path.rglob("test_*.py")]
    tests = [module for module in modules if module.suffix == ".py" and module.name.startswith("test_")]
    return True if tests and not any("pytest.mark.lts" in test.read_text(encoding="utf-8") for test in tests) else None


def pytest_sessionstart() -> None:
    """Restore the default handlers of the signals that tests send to their processes.

    A process that starts in the background or with nohup ignores some of these signals, and its children inherit that.
    """
    for number, usual in {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort modules with slow tests first, so that no worker starts a long module at the end of the run."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of workers: one per core, but at least three if tests wait for other processes.

    Without those tests, an additional worker only collects the tests once more.
    """
    waits = any(not argument.startswith(QUICK) for argument in config.args)
    return max(3 if waits else 1, os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Replace the scheduler of ``--dist=loadfile``."""
    return ByFileOrStage(config, log) if config.getoption("dist") == "loadfile" else None


class ByFileOrStage(LoadFileScheduling):
    """Runs the tests of a file in one worker, and also all tests of ``tests/e2e/stage``, which share a stage."""

    def _split_scope(self, nodeid: str) -> str:
        folder = "tests/e2e/stage/"
        return folder if nodeid.startswith(folder) else super()._split_scope(nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the duration of the tests per folder in seconds, summed over all workers."""
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
    """Yield one Spark session with Delta Lake for all tests, with its tables in a temporary folder."""
    os.environ.setdefault("JDK_JAVA_OPTIONS", " ".join(local_spark.QUICK_START))
    session = local_spark.session(warehouse=tmp_path_factory.mktemp("warehouse"), extra=MANY_SMALL_QUERIES)
    yield session
    local_spark.stop(session)
