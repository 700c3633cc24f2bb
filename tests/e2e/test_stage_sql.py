"""Queries over a stage's tables by hand."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from local.stage import sql


def test_values_of_logs_are_printed_without_their_control_characters(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sql.show(spark, r"SELECT concat('a', char(27), '[31mb') AS line")
    assert r"|a\x1b[31mb|" in capsys.readouterr().out
    assert not sql.show(spark, "SELECT missing")
    assert "missing" in capsys.readouterr().err
