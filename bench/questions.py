"""Questions that people ask about a month of traffic: their SQL, the files that they read, and their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from bench.cost import Cost, Meter, middle
from vpc_flow_logs.sql import quoted

QUESTIONS = {
    "one address, one hour of 30 days": (
        "SELECT srcaddr, dstaddr, dstport, protocol, action, sum(packets), sum(bytes) FROM {table} "
        "WHERE event_time >= {hour} AND event_time < {hour} + INTERVAL 1 HOUR "
        "AND (srcaddr = '{address}' OR dstaddr = '{address}') GROUP BY ALL"
    ),
    "one address, all 30 days": (
        "SELECT date_trunc('DAY', event_time) AS day, action, count(*), sum(bytes) FROM {table} "
        "WHERE srcaddr = '{address}' OR dstaddr = '{address}' GROUP BY ALL"
    ),
    "top talkers of a day": (
        "SELECT srcaddr, sum(bytes) AS bytes FROM {table} "
        "WHERE event_time >= {day} AND event_time < {day} + INTERVAL 1 DAY GROUP BY ALL ORDER BY bytes DESC LIMIT 50"
    ),
    "all rejects of a day": (
        "SELECT event_time, interface_id, srcaddr, dstaddr, dstport, protocol, packets FROM {table} "
        "WHERE event_time >= {day} AND event_time < {day} + INTERVAL 1 DAY AND action = 'REJECT'"
    ),
}
"""SQL of each question, with the names of a table, a day, an hour and an address."""


@dataclass(frozen=True)
class Asked:
    """The answer to a question, without its rows.

    Attributes:
        rows: Number of rows.
        files: Number of data files that the scan read.
        cost: Median cost.
    """

    rows: int
    files: int
    cost: Cost


def ask(
    spark: SparkSession, tables: Sequence[str], *, values: Mapping[str, str], rounds: int
) -> dict[str, dict[str, Asked]]:
    """Ask each table every question, in turns; return the answers by question and table.

    Args:
        spark: The session.
        tables: Tables with the same records.
        values: SQL of ``day`` and ``hour``, and the ``address``.
        rounds: Number of rounds that count, after a first round that does not.

    Raises:
        SystemExit: Two tables give different numbers of rows.
    """
    meter = Meter(spark)
    answers: dict[str, dict[str, Asked]] = {}
    for question, sql in QUESTIONS.items():
        costs: dict[str, list[Cost]] = {name: [] for name in tables}
        facts: dict[str, tuple[int, int]] = {}
        for turn in range(rounds + 1):
            for name in tables:
                seen: list[tuple[int, int]] = []
                statement = sql.format(table=quoted(name), **values)
                cost = meter.of(lambda statement=statement, seen=seen: seen.append(_answer(spark, statement)))  # type: ignore[misc]
                facts[name] = seen[0]
                if turn:
                    costs[name].append(cost)
        if len({rows for rows, _ in facts.values()}) != 1:
            raise SystemExit(f"bench: the tables give different answers to {question!r}: {facts}")
        answers[question] = {
            name: Asked(rows=facts[name][0], files=facts[name][1], cost=middle(costs[name])) for name in tables
        }
    return answers


def _answer(spark: SparkSession, statement: str) -> tuple[int, int]:
    """Return the numbers of rows and of files read."""
    frame = spark.sql(statement)
    rows = len(frame.collect())
    return rows, files_read(frame)


def files_read(frame: DataFrame) -> int:
    """Return the number of files in the metrics of the scan."""
    plan: Any = frame._jdf.queryExecution().executedPlan()
    return sum(_metrics(plan))


def _metrics(plan: Any) -> list[int]:
    name = plan.getClass().getSimpleName()
    if name == "AdaptiveSparkPlanExec":
        # The final plan of an empty result may have no scan.
        return _metrics(plan.executedPlan()) or _metrics(plan.initialPlan())
    if name.endswith("QueryStageExec"):
        return _metrics(plan.plan())
    metric = plan.metrics().get("numFiles")
    found = [int(metric.get().value())] if metric.isDefined() else []
    children = plan.children()
    return found + [number for place in range(children.size()) for number in _metrics(children.apply(place))]
