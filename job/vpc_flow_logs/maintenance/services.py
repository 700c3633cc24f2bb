"""The services of Databricks that maintain a managed table on their own: predictive optimization and Auto-TTL.

Sources: https://docs.databricks.com/en/optimizations/predictive-optimization and
https://docs.databricks.com/aws/en/tables/operations/auto-ttl
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from vpc_flow_logs.sql import quoted

LEFT = "left to predictive optimization"
"""Text of `Outcome.result` for a step that predictive optimization runs."""

_DETAILS = "# Detailed Table Information"
_USER_TEXTS = ("Comment", "View Text")

# The documentation shows the clause of CREATE TABLE, and not where DESCRIBE shows it.
_TTL = re.compile(r"delete\s+rows\s+\d+\s+days?\s+after\s+`?\w+`?", re.IGNORECASE)
_TTL_NAME = re.compile(r"auto[\s_-]?ttl|time[\s_-]to[\s_-]live|row[\s_-]deletion", re.IGNORECASE)


@dataclass(frozen=True)
class Services:
    """The services that maintain a table.

    Attributes:
        predictive_optimization: Whether Databricks runs OPTIMIZE and VACUUM on the table.
        auto_ttl: The policy for which Databricks deletes rows of the table; empty if there is none.
    """

    predictive_optimization: bool = False
    auto_ttl: str = ""


def of(spark: SparkSession, name: str) -> Services:
    """Return the services that maintain a table.

    Raises:
        PySparkException: The table cannot be read.
    """
    described = spark.sql(f"DESCRIBE TABLE EXTENDED {quoted(name)}").collect()
    return read((str(row.col_name or ""), str(row.data_type or "")) for row in described)


def read(rows: Iterable[tuple[str, str]]) -> Services:
    """Return the services in the rows of ``DESCRIBE TABLE EXTENDED``: names and values.

    >>> read([("# Detailed Table Information", ""), ("Predictive Optimization", "ENABLE (inherited from SCHEMA a.b)")])
    Services(predictive_optimization=True, auto_ttl='')
    """
    facts: dict[str, str] = {}
    in_details = False
    for name, value in rows:  # the rows before the details are the columns, with names that a user chose
        in_details = in_details or name.strip() == _DETAILS
        if in_details and name.strip() not in _USER_TEXTS:
            facts[name.strip()] = value.strip()
    predictive = {name.lower(): value for name, value in facts.items()}.get("predictive optimization", "")
    return Services(predictive_optimization=predictive.upper().startswith("ENABLE"), auto_ttl=_policy(facts))


def _policy(facts: dict[str, str]) -> str:
    for name, value in facts.items():
        if clause := _TTL.search(value):
            return clause[0]
        if _TTL_NAME.search(name) and value and not value.upper().startswith(("DISABLE", "FALSE", "NONE", "OFF")):
            return value
    return ""
