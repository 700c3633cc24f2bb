"""One stage for all tests of this folder, in the order of their modules: a bootstrap and a deploy take a minute.

The tests of a folder run in one process (`tests/conftest.py`). Each module also runs alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.delivery import Delivered
from local.stage.composed import EmbeddedStage, embedded
from tests.support.github_runner import Runner, Step, is_set_up


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Yield GitHub's runner with a stage that is ready for the deploy job."""
    if not is_set_up():
        pytest.skip("this folder is not set up: make setup")
    folder = tmp_path_factory.mktemp("stage")
    with embedded(folder / "stage") as stage:
        stage.bootstrap()
        runner_ = Runner(stage, folder / "summary.md")
        runner_.make_access()
        yield runner_


@pytest.fixture(scope="session")
def deploy_job(runner: Runner) -> list[Step]:
    """Run the deploy job and return its steps."""
    return runner.deploy_job()


@pytest.fixture(scope="session")
def stage(runner: Runner, deploy_job: list[Step]) -> EmbeddedStage:
    """Return the stage with the environment `local`, which the deploy job has deployed."""
    assert deploy_job[-1].status == 0, deploy_job[-1].output
    return runner.stage


@pytest.fixture(scope="session")
def delivered() -> list[Delivered]:
    """Return the list of all deliveries to the stage."""
    return []
