"""What all steps of the demo share: the folder, the stage, the traffic, and what is in the tables."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

from databricks.sdk import WorkspaceClient

from infra.environment import names
from local.demo.deployed import deployed, last_run, run_state
from local.demo.folder import Folder
from local.demo.live import Live
from local.demo.loading import Loading
from local.demo.report import Deployed, Mark
from local.demo.text import shown
from local.demo.traffic import INTERVALS, Traffic
from local.demo.watch import Watch
from local.stage.cdk import event
from local.stage.composed import STORAGE, EmbeddedStage
from vpc_flow_logs.progress import counted

PATIENCE = 180.0
"""Seconds without a new row after which the demo gives up."""

_WAREHOUSE = STORAGE / "dbfs" / "user" / "hive" / "warehouse"


class DemoError(Exception):
    """The demo cannot go on; the message says why, and where more is said."""


class Act:
    """A demo that is under way.

    Attributes:
        folder: where everything is kept.
        live: what is printed.
        stage: both clouds.
        seed: of the traffic.
        environment: of the first deploy.
        table: the table's name.
        traffic: what is delivered.
        loading: what is in the tables.
        workspace: the workspace's client.
        marks: when something happened that the traffic's chart shows.
    """

    def __init__(self, folder: Folder, live: Live, stage: EmbeddedStage, *, seed: int, records: int) -> None:
        self.folder, self.live, self.stage, self.seed = folder, live, stage, seed
        self.environment = stage.environment
        self.table = self.environment.job.table
        self.traffic = Traffic(stage.aws, seed=seed, rate=max(1, records // INTERVALS))
        warehouse = stage.folder / _WAREHOUSE
        warehouse.mkdir(parents=True, exist_ok=True)
        folder.tables.symlink_to(os.path.relpath(warehouse, folder.path.resolve()))
        self.loading = Loading(warehouse, self.table)
        self.workspace = WorkspaceClient(host=stage.workspace.host, token=stage.workspace.credentials.token)
        self.marks: list[Mark] = []

    def keep_line(self, line: str) -> None:
        """Keep what the CDK command line says."""
        with self.folder.log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def tell_cdk(self, line: str) -> None:
        """Keep it and show it."""
        self.keep_line(line)
        happened = event(line)
        if happened:
            self.live.now(happened)

    def mark(self, what: str) -> None:
        """Remember that something happens now."""
        self.marks.append(Mark(time.time(), what))

    def deployed(self) -> Deployed:
        """What is deployed now."""
        file = shown(self.stage.environment_file)
        return deployed(self.stage.environment, file=file, aws=self.stage.aws, workspace=self.workspace)

    def wait(self, watch: Watch, wanted: int) -> None:
        """Wait until so many lines are in the tables. Raises DemoError when none came for long."""
        if not self.waited(watch, wanted):
            missing = counted(wanted - self.loading.lines, "line")
            raise DemoError(f"no row came for {PATIENCE:.0f} s; missing: {missing}. {self.run_in_words()}")

    def waited(self, watch: Watch, wanted: int) -> bool:
        """Wait until so many lines are in the tables; False when none came for long."""
        return watch.wait_for(wanted, patience=PATIENCE)

    def run_in_words(self) -> str:
        """What the job's last run says, and where to read more."""
        job_id = self._job_id()
        if job_id is None:
            return "There is no job in the workspace."
        state = run_state(last_run(self.workspace, job_id))
        return f"The job's run is {state}. What it wrote is below {shown(self.stage.runner.folder / 'runs')}."

    def runs(self) -> list[tuple[float, float]]:
        """Starts and ends of the job's runs, in order and in Unix seconds; what has not ended ends now."""
        runs = self.workspace.jobs.list_runs(job_id=self._job_id()) if self._job_id() else ()
        times = [((run.start_time or 0) / 1000, (run.end_time or 0) / 1000 or time.time()) for run in runs]
        return sorted(times)

    def _job_id(self) -> int | None:
        job = next(iter(self.workspace.jobs.list(name=names.stack_name(self.environment))), None)
        return job.job_id if job else None

    def query(self) -> str:
        """A command that asks the tables."""
        statement = f"SELECT action, count(*) AS flows, sum(bytes) AS bytes FROM {self.table} GROUP BY action"
        code = (
            "from pathlib import Path; from local.spark import session; "
            f'session(warehouse=Path("{shown(self.folder.tables)}")).sql("{statement}").show()'
        )
        return f"{shown(Path(sys.executable))} -c {shlex.quote(code)}"
