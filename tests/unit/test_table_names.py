"""The statements for a table name in a workspace whose Hive metastore is disabled."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import AnalysisException

from vpc_flow_logs import run
from vpc_flow_logs.parameters import ParameterError

pytestmark = pytest.mark.lts

OFF = "[UC_HIVE_METASTORE_DISABLED_EXCEPTION] The operation attempted to use Hive Metastore, which is disabled"


class Catalog:
    """The catalog of the session; only a full table name avoids the disabled Hive metastore."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def tableExists(self, name: str) -> bool:
        if name.count(".") < 2:
            raise AnalysisException(OFF)
        return False

    def databaseExists(self, name: str) -> bool:
        raise AnalysisException(OFF)


class Session:
    """A session that uses the disabled Hive metastore until another catalog is selected."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.catalog = Catalog(self)

    def sql(self, statement: str) -> Any:
        self.statements.append(statement)
        if not self.statements[0].startswith("SET CATALOG"):
            raise AnalysisException(OFF)
        return self

    def __getattr__(self, name: str) -> Any:
        raise AnalysisException("not part of this test")


def arguments(table: str) -> list[str]:
    return [
        "--vpc-logs-path=s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
        "--checkpoint-path=/Volumes/network/flow_logs/checkpoints/a",
        f"--table-name={table}",
        "--region-name=us-east-1",
        "--headers=version",
        "--color=red",
    ]


def problems(table: str, session: Session) -> tuple[str, ...]:
    with pytest.raises(ParameterError) as rejected:
        run.run(arguments(table), session=lambda: session, work=lambda *_: None)  # type: ignore[arg-type, return-value]
    return rejected.value.problems


def test_the_catalog_of_a_full_name_is_selected_first() -> None:
    session = Session()
    (problem,) = problems("network.flow_logs.a", session)
    assert "--color=red" in problem
    assert session.statements[:2] == ["SET CATALOG `network`", "DESCRIBE SCHEMA `network`.`flow_logs`"]


def test_a_name_without_a_catalog_is_rejected_with_the_message_of_the_workspace() -> None:
    messages = problems("flow_logs", Session())
    assert any(
        problem.startswith("--table-name: 'flow_logs' cannot be used: ") and OFF in problem for problem in messages
    )
