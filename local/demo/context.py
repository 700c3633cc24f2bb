"""State that all steps of the demo share: the folder, the stage, the traffic, and the contents of the tables."""

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
"""Seconds without a new row until the demo gives up."""

_WAREHOUSE = STORAGE / "dbfs" / "user" / "hive" / "warehouse"


class DemoError(Exception):
    """A step failed; the message gives the reason, and names the folder or file with the details."""


class Act:
    """A running demo.

    Attributes:
        live: the output.
        stage: both clouds.
        environment: the environment of the first deploy.
        table: the name of the table.
        traffic: the delivered files.
        loading: the contents of the tables.
        marks: the events that the traffic charts show.
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

    def log_line(self, line: str) -> None:
        """Write a line of the CDK command line to the log."""
        with self.folder.log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def log_and_show_event(self, line: str) -> None:
        """Write a line of the CDK command line to the log, and show the event it reports."""
        self.log_line(line)
        status = event(line)
        if status:
            self.live.now(status)

    def mark(self, label: str) -> None:
        """Record an event that happens now."""
        self.marks.append(Mark(time.time(), label))

    def deployed(self) -> Deployed:
        """Return the current deployment."""
        file = shown(self.stage.environment_file)
        return deployed(self.stage.environment, file=file, aws=self.stage.aws, workspace=self.workspace)

    def wait(self, watch: Watch, count: int) -> None:
        """Wait until the tables hold a number of lines; raise DemoError if loading stops before that."""
        if not self.waited(watch, count):
            missing = counted(count - self.loading.lines, "line")
            raise DemoError(f"no new rows for {PATIENCE:.0f} s, {missing} missing. {self.run_in_words()}")

    def waited(self, watch: Watch, count: int) -> bool:
        """Wait until the tables hold a number of lines; return False if loading stops before that."""
        return watch.wait_for(count, patience=PATIENCE)

    def run_in_words(self) -> str:
        """Describe the state of the job's last run and name the folder of its output."""
        job_id = self._job_id()
        if job_id is None:
            return "There is no job in the workspace."
        state = run_state(last_run(self.workspace, job_id))
        return f"The state of the job's last run: {state}. Its output is in {shown(self.stage.runner.folder / 'runs')}."

    def runs(self) -> list[tuple[float, float]]:
        """Return the start and end of each run, in order and in Unix seconds; a run that is active ends now."""
        runs = self.workspace.jobs.list_runs(job_id=self._job_id()) if self._job_id() else ()
        times = [((run.start_time or 0) / 1000, (run.end_time or 0) / 1000 or time.time()) for run in runs]
        return sorted(times)

    def _job_id(self) -> int | None:
        job = next(iter(self.workspace.jobs.list(name=names.stack_name(self.environment))), None)
        return job.job_id if job else None

    def query(self) -> str:
        """Return a command that answers a question about the table."""
        table = shlex.quote(shown(self.folder.tables / self.table))
        return f"{shown(Path(sys.executable))} -m local.answers rejected_sources --table {table} --rows 5"
