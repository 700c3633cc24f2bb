"""Both clouds, started together and taken down together."""

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
from local.workspace import Behaviour, WorkspaceServer

STORAGE = Path("workspace", "storage")
"""Where in the stage's folder the workspace's storage is."""


def _nobody(line: str) -> None:
    pass


@dataclass(frozen=True)
class EmbeddedStage:
    """A running stage.

    Attributes:
        folder: everything that the stage leaves is in it.
        aws: AWS.
        workspace: the Databricks workspace.
        runner: what its runs run on.
        environment_file: a copy of the environment file, with this workspace and its secret; it may be changed.
    """

    folder: Path
    aws: Emulator
    workspace: WorkspaceServer
    runner: ClusterRunner
    environment_file: Path

    @property
    def environment(self) -> Environment:
        """The environment file, read anew. Raises ``infra.config.EnvironmentFileError``."""
        return load(str(self.environment_file))

    def bootstrap(self, tell: cdk.Tell = _nobody) -> None:
        """``make bootstrap``, needed once before the first deploy. Raises ``CdkError``."""
        self._cdk("bootstrap", tell=tell)

    def deploy(self, tell: cdk.Tell = _nobody) -> None:
        """``make deploy``, without the question about wider rights. Raises ``CdkError``."""
        self._cdk("deploy", "--all", "--require-approval=never", tell=tell)

    def destroy(self, tell: cdk.Tell = _nobody) -> None:
        """``make destroy``, without the question. Raises ``CdkError``."""
        self._cdk("destroy", "--all", "--force", tell=tell)

    def sql(self) -> Sql:
        """Spark SQL over the workspace's tables, in a process of its own; it takes some seconds to start."""
        return Sql(self.runner.storage, scratch=self.folder / "sql")

    def _cdk(self, *arguments: str, tell: cdk.Tell) -> None:
        cdk.run(
            *arguments,
            file=self.environment_file,
            folder=self.folder / "cdk",
            stage=self.aws.environment(),
            tell=tell,
        )


@contextmanager
def embedded(folder: Path, *, environment: str = str(ENVIRONMENTS / "local.toml")) -> Iterator[EmbeddedStage]:
    """Both clouds as long as the block lasts, with what a customer has before the first deploy; nothing is deployed.

    Args:
        folder: for all that the stage leaves; new or empty. Several stages can run at once, each in its own.
        environment: name or path of an environment file with a ``[workspace]``.

    Raises:
        EnvironmentFileError: the file has problems.
        NotStarted: AWS did not come up.
    """
    folder = folder.resolve()
    settings = load(environment)
    text = _file(environment).read_text(encoding="utf-8")
    with running(folder / "aws", account=settings.aws.account, region=settings.aws.region) as aws:
        runner = ClusterRunner(aws, launcher=settings.reader.databricks_role_arn, folder=folder / STORAGE.parent)
        behaviour = Behaviour(object_to_profile=runner.object_to_profile)
        with WorkspaceServer(runner=runner, behaviour=behaviour) as workspace:
            secret_arn = customer.prepare(settings, aws=aws, workspace=workspace)
            own = customer.fitted(text, host=workspace.host, secret_arn=secret_arn)
            file = customer.write(folder / f"{settings.name}.toml", own)
            yield EmbeddedStage(folder, aws, workspace, runner, file)


def _file(environment: str) -> Path:
    path = Path(environment)
    return path if "/" in environment or path.suffix == ".toml" else ENVIRONMENTS / f"{environment}.toml"
