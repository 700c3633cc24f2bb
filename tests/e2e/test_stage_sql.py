"""Queries by hand over a stage's tables."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from local.stage import sql


def test_control_characters_in_values_are_printed_escaped(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sql.show(spark, r"SELECT concat('a', char(27), '[31mb') AS line")
    assert r"|a\x1b[31mb|" in capsys.readouterr().out
    assert not sql.show(spark, "SELECT missing")
    assert "missing" in capsys.readouterr().err
