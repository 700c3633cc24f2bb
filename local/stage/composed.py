"""Both clouds, started and stopped together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.config import ENVIRONMENTS, load
from infra.environment.schema import Environment
from local.aws import Emulator, running
from local.runs.runner import ClusterRunner
from local.stage import cdk, customer
from local.stage.sql import Sql
from local.workspace import Behavior, WorkspaceServer

STORAGE = Path("workspace", "storage")
"""Path of the workspace's storage in the stage's folder."""


def _ignore(line: str) -> None:
    pass


@dataclass(frozen=True)
class EmbeddedStage:
    """A running stage.

    Attributes:
        folder: holds all files of the stage.
        aws: the AWS emulator.
        workspace: the Databricks workspace.
        runner: the cluster that the workspace's runs use.
        environment_file: a copy of the environment file, with this workspace and its secret; callers may change it.
    """

    folder: Path
    aws: Emulator
    workspace: WorkspaceServer
    runner: ClusterRunner
    environment_file: Path

    @property
    def environment(self) -> Environment:
        """The current content of the environment file. Raises ``infra.config.EnvironmentFileError``."""
        return load(str(self.environment_file))

    def bootstrap(self, on_line: cdk.OnLine = _ignore) -> None:
        """Run ``make bootstrap``, needed once before the first deploy. Raises ``CdkError``."""
        self._cdk("bootstrap", on_line=on_line)

    def deploy(self, on_line: cdk.OnLine = _ignore) -> None:
        """Run ``make deploy`` without the prompt about wider permissions. Raises ``CdkError``."""
        self._cdk("deploy", "--all", "--require-approval=never", on_line=on_line)

    def destroy(self, on_line: cdk.OnLine = _ignore) -> None:
        """Run ``make destroy`` without its prompt. Raises ``CdkError``."""
        self._cdk("destroy", "--all", "--force", on_line=on_line)

    def sql(self) -> Sql:
        """Start Spark SQL over the workspace's tables in a separate process; the first query waits a few seconds."""
        return Sql(self.runner.storage, scratch=self.folder / "sql")

    def _cdk(self, *arguments: str, on_line: cdk.OnLine) -> None:
        cdk.run(
            *arguments,
            file=self.environment_file,
            folder=self.folder / "cdk",
            stage=self.aws.environment(),
            on_line=on_line,
        )


@contextmanager
def embedded(folder: Path, *, environment: str = str(ENVIRONMENTS / "local.toml")) -> Iterator[EmbeddedStage]:
    """Run both clouds during the block, in the state before a customer's first deploy.

    Args:
        folder: a new or empty folder for all files of the stage. Several stages can run at once in different folders.
        environment: name or path of an environment file with a ``[workspace]``.

    Raises:
        EnvironmentFileError: the file has problems.
        NotStarted: the AWS emulator did not start.
    """
    folder = folder.resolve()
    settings = load(environment)
    text = _file(environment).read_text(encoding="utf-8")
    with running(folder / "aws", account=settings.aws.account, region=settings.aws.region) as aws:
        runner = ClusterRunner(aws, launcher=settings.reader.databricks_role_arn, folder=folder / STORAGE.parent)
        behavior = Behavior(object_to_profile=runner.object_to_profile)
        with WorkspaceServer(runner=runner, behavior=behavior) as workspace:
            secret_arn = customer.prepare(settings, aws=aws, workspace=workspace)
            fitted = customer.fitted(text, host=workspace.host, secret_arn=secret_arn)
            file = customer.write(folder / f"{settings.name}.toml", fitted)
            yield EmbeddedStage(folder, aws, workspace, runner, file)


def _file(environment: str) -> Path:
    path = Path(environment)
    return path if "/" in environment or path.suffix == ".toml" else ENVIRONMENTS / f"{environment}.toml"
