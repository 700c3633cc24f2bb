"""The datasets: one per answer of the catalog, and those of `queries/`, which only the dashboard needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.dashboard import sources
from vpc_flow_logs.answers.catalog import catalog, parsed
from vpc_flow_logs.answers.model import Answer

QUERIES: Final = Path(__file__).parent / "queries"
FILTER_VALUES: Final = "filter_values"
"""The dataset with the values that the filters offer."""

LEFT_OUT: Final = {
    "traffic_from": "needs an address",
    "traffic_to": "needs an address",
    "top_tcp_traffic": "needs an address",
}
"""Answers without a dataset, with the reason. The table functions answer them."""

MOST_ROWS: Final = 1000
"""Maximum number of rows of a dataset that is a table."""

MOST_MARKS: Final = 100
"""Maximum number of rows of a dataset that is a chart."""

_LIMIT = re.compile(r"\nLIMIT \d+\Z")
_RANGE: Final = "time_range"


@dataclass(frozen=True)
class Dataset:
    """A dataset.

    Attributes:
        answer: The answer, for its title, its columns and its chart.
        sql: The SELECT, with the parameters of the dashboard.
    """

    answer: Answer
    sql: str

    @property
    def name(self) -> str:
        """The name of the dataset, which is the name of the answer."""
        return self.answer.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that the SELECT uses."""
        return tuple(each for each in (_RANGE, *sources.FILTERED) if re.search(rf":{each}\b", self.sql))

    def document(self) -> dict[str, Any]:
        """Return the dataset as JSON. The service joins the lines without a separator."""
        return {
            "name": self.name,
            "displayName": self.answer.title,
            "queryLines": self.sql.splitlines(keepends=True),
            "parameters": [_parameter(keyword) for keyword in self.parameters],
        }


@cache
def datasets() -> dict[str, Dataset]:
    """Return all datasets by name, those of the dashboard first."""
    return {each.name: each for each in (*_of_the_dashboard(), *_of_the_catalog())}


def _of_the_catalog() -> Iterator[Dataset]:
    for answer in catalog():
        if answer.name not in LEFT_OUT:
            yield Dataset(answer, _limited(answer, answer.filled(sources.FILTERS, sources.WINDOW)))


def _of_the_dashboard() -> Iterator[Dataset]:
    for file in sorted(QUERIES.glob("*.sql")):
        answer = parsed(file.stem, file.read_text(encoding="utf-8"))
        # The filters do not apply to the values that they offer.
        sql = answer.filled(sources.UNFILTERED, sources.WINDOW).replace("FROM traffic", f"FROM {sources.TRAFFIC}")
        yield Dataset(answer, _limited(answer, sql))


def _limited(answer: Answer, sql: str) -> str:
    if _LIMIT.search(sql) or answer.chart.kind in ("counter", "line"):
        return sql
    return f"{sql}\nLIMIT {MOST_ROWS if answer.chart.kind == 'table' else MOST_MARKS}"


def _parameter(keyword: str) -> dict[str, Any]:
    if keyword == _RANGE:
        # Yesterday and today, in the notation of the date picker.
        span = {"dataType": "DATETIME", "min": {"value": "now-1d/d"}, "max": {"value": "now/d"}}
        kind: dict[str, Any] = {"dataType": "DATETIME", "complexType": "RANGE", "defaultSelection": {"range": span}}
    else:
        nothing = {"values": {"dataType": "STRING", "values": []}}
        kind = {"dataType": "STRING", "complexType": "MULTI", "defaultSelection": nothing}
    return {"keyword": keyword, "displayName": keyword, **kind}
