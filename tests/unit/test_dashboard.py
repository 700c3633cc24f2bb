"""The document of the AI/BI dashboard, and the checker of the rules that break one."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.dashboard import checker
from infra.dashboard.__main__ import main
from infra.dashboard.datasets import LEFT_OUT, MOST_MARKS, MOST_ROWS, datasets
from infra.dashboard.document import document, template
from infra.dashboard.widgets import chart
from infra.workspace.dashboard.template import TABLE, filled
from tests.support.environment_files import SIMPLE, changed, maintenance
from vpc_flow_logs.answers.catalog import catalog, parsed

TABLE_NAME = "network.flow-logs.test"
DOCUMENT: dict[str, Any] = json.loads(document(TABLE_NAME))
DATASETS = {dataset["name"]: dataset for dataset in DOCUMENT["datasets"]}
PAGES = {page["displayName"]: page for page in DOCUMENT["pages"]}
WIDGETS = {item["widget"]["name"]: item["widget"] for page in DOCUMENT["pages"] for item in page["layout"]}


def sql(name: str) -> str:
    return "".join(DATASETS[name]["queryLines"])


# The document.


def test_the_same_input_gives_the_same_text() -> None:
    template.cache_clear()
    datasets.cache_clear()
    assert document(TABLE_NAME) == json.dumps(DOCUMENT, indent=2) + "\n"


def test_the_pages_are_those_of_the_design_and_the_filters() -> None:
    assert list(PAGES) == ["Overview", "Security", "Cost", "Network", "Health", "Filters"]


def test_every_answer_is_on_a_page_or_left_out_for_a_reason() -> None:
    shown = {
        query["query"]["datasetName"]
        for page in DOCUMENT["pages"]
        if page["pageType"] == "PAGE_TYPE_CANVAS"
        for item in page["layout"]
        for query in item["widget"].get("queries", [])
    }
    assert {answer.name for answer in catalog()} - shown == set(LEFT_OUT)
    assert set(DATASETS) - shown == {"filter_values"}


def test_an_answer_that_is_left_out_needs_a_parameter_without_a_filter() -> None:
    named = {answer.name: {each.name for each in answer.parameters} for answer in catalog()}
    assert all("address" in named[name] for name in LEFT_OUT)


def test_the_names_of_the_table_are_quoted_and_no_placeholder_is_left() -> None:
    assert TABLE not in document(TABLE_NAME)
    assert "FROM `network`.`flow-logs`.`test_all_fields`" in sql("port_scans")
    assert "FROM `network`.`flow-logs`.`test_quarantine`" in sql("quarantine_summary")
    assert filled("`<table>_hourly`", "flows") == "`flows_hourly`"


def test_datasets_read_only_the_views_and_tables_next_to_the_table() -> None:
    suffixes = {suffix for name in DATASETS for suffix in re.findall(r"`\.`test_(\w+)`", sql(name))}
    assert suffixes == {"all_fields", "hourly", "quarantine", "service_names"}
    assert all(
        not re.search(r"\b(?:FROM|JOIN) (?:all_fields|service_names|quarantine|traffic)\b", sql(name))
        for name in DATASETS
    )


def test_totals_and_trends_read_the_roll_up() -> None:
    hourly = {name for name in DATASETS if "test_hourly`" in sql(name)}
    assert hourly == {"totals", "traffic_over_time", "rejected_over_time", "services", "networks"}


def test_every_dataset_is_bounded() -> None:
    for name in set(DATASETS) - {"totals", "traffic_over_time", "rejected_over_time", "ipv4_traffic", "ipv6_traffic"}:
        limit = re.search(r"\nLIMIT (\d+)$", sql(name))
        assert limit, name
        assert int(limit[1]) <= (MOST_ROWS if datasets()[name].answer.chart.kind == "table" else MOST_MARKS)


def test_the_filters_set_the_parameters_of_every_dataset_that_has_them() -> None:
    for name, keyword in (("time-range", "time_range"), ("account", "account"), ("vpc", "vpc"), ("action", "action")):
        bound = {
            query["query"]["datasetName"]
            for query in WIDGETS[f"filter-{name}"]["queries"]
            if "parameters" in query["query"]
        }
        declared = {d["name"] for d in DATASETS.values() if keyword in [p["keyword"] for p in d["parameters"]]}
        assert bound == declared
        assert len(bound) > 25


def test_only_the_freshness_has_no_time_range_and_only_the_quarantine_has_no_filters() -> None:
    keywords = {name: [each["keyword"] for each in dataset["parameters"]] for name, dataset in DATASETS.items()}
    assert {name for name, words in keywords.items() if "time_range" not in words} == {"freshness"}
    assert {name for name, words in keywords.items() if "account" not in words} == {
        "quarantine_summary",
        "filter_values",
    }


def test_the_columns_of_each_chart_are_columns_of_its_dataset() -> None:
    for widget in WIDGETS.values():
        for query in widget.get("queries", []):
            columns = {each.name for each in datasets()[query["query"]["datasetName"]].answer.columns}
            for field in query["query"].get("fields", []):
                assert set(re.findall(r"`([^`]+)`", field["expression"])) <= columns


def test_every_kind_of_chart_that_an_answer_can_have_makes_a_valid_widget() -> None:
    header = "\n".join(
        f"-- {line}"
        for line in (
            "title: T", "topic: cost", "question: Q?", "counts: C", "order: O", "fields: bytes",
            "chart: heatmap az_id, protocol, bytes",
            "column: az_id", "column: protocol", "column: bytes",
        )
    )  # fmt: skip
    dataset = next(iter(datasets().values()))
    heat = type(dataset)(parsed("heat", f"{header}\nSELECT 1"), "SELECT 1")
    broken = copy.deepcopy(DOCUMENT)
    broken["datasets"].append(heat.document())
    position = {"x": 0, "y": 100, "width": 12, "height": 4}
    broken["pages"][0]["layout"].append({"widget": chart("heat", heat, "heatmap"), "position": position})
    assert checker.problems(broken) == []
    with pytest.raises(ValueError, match="heat is not a bar"):
        chart("heat", heat, "bar")


# The checker.


def _widget(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(i["widget"] for page in document["pages"] for i in page["layout"] if i["widget"]["name"] == name)


def _dataset(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dataset for dataset in document["datasets"] if dataset["name"] == name)


def _main(document: dict[str, Any], name: str) -> dict[str, Any]:
    query: dict[str, Any] = _widget(document, name)["queries"][0]["query"]
    return query


def _set(container: Callable[[dict[str, Any]], dict[str, Any]], **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: container(document).update(values)


BAR, TABLE_WIDGET, FILTER = "overview-services-bar", "overview-networks-table", "filter-account"
BREAKS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another key at the top": (lambda d: d.update(version=1), "unknown top-level keys: version"),
    "no page to draw on": (lambda d: d.update(pages=d["pages"][-1:]), "no page has the type PAGE_TYPE_CANVAS"),
    "two pages of filters": (
        lambda d: d["pages"].append({**d["pages"][-1], "name": "more", "layout": []}),
        "more than one page",
    ),
    "two datasets with a name": (lambda d: d["datasets"].append(d["datasets"][0]), "2 datasets have the name"),
    "two widgets with a name": (_set(lambda d: _widget(d, BAR), name=TABLE_WIDGET), "2 widgets have the name"),
    "two pages with a name": (_set(lambda d: d["pages"][1], name="overview"), "2 pages have the name"),
    "a page without a type": (lambda d: d["pages"][0].pop("pageType"), "None is not a valid pageType"),
    "the older grid": (lambda d: d["pages"][0].pop("layoutVersion"), "layoutVersion is not GRID_V1"),
    "a widget outside the grid": (
        lambda d: d["pages"][0]["layout"][0]["position"].update(width=13),
        "the position of overview-note is outside the grid",
    ),
    "widgets on top of each other": (
        lambda d: d["pages"][0]["layout"][1]["position"].update(y=0),
        "overview-totals-bytes overlaps overview-note",
    ),
    "lines without line breaks": (
        _set(lambda d: _dataset(d, "port_scans"), queryLines=["SELECT 1", "FROM t"], parameters=[]),
        "does not end with a line break",
    ),
    "two statements": (
        _set(lambda d: _dataset(d, "freshness"), queryLines=["SELECT 1;\n", "SELECT ';'"], parameters=[]),
        "the SQL has a semicolon",
    ),
    "a parameter that is not declared": (
        lambda d: _dataset(d, "port_scans")["parameters"].pop(0),
        "the SQL uses :time_range, which is not a declared parameter",
    ),
    "a parameter that is not used": (
        _set(lambda d: _dataset(d, "freshness"), queryLines=["SELECT ':account', 1::INT -- :vpc\n"]),
        "the SQL does not use the parameter account",
    ),
    "a parameter of an unknown type": (
        lambda d: _dataset(d, "port_scans")["parameters"][1].update(dataType="TEXT"),
        "the parameter account has an invalid type: TEXT, MULTI",
    ),
    "a parameter without a default": (
        lambda d: _dataset(d, "port_scans")["parameters"][1].pop("defaultSelection"),
        "the parameter account has no defaultSelection",
    ),
    "a range with the default of a value": (
        lambda d: _dataset(d, "port_scans")["parameters"][0].update(defaultSelection={"values": {}}),
        "the defaultSelection of time_range does not have the key range alone",
    ),
    "a range without an end": (
        lambda d: _dataset(d, "port_scans")["parameters"][0]["defaultSelection"]["range"].pop("max"),
        "the defaultSelection of time_range does not have both ends",
    ),
    "a default of another type": (
        lambda d: _dataset(d, "port_scans")["parameters"][0]["defaultSelection"]["range"].update(dataType="DATE"),
        "another dataType",
    ),
    "a range used as a value": (
        lambda d: _dataset(d, "port_scans")["queryLines"].append("\n-- and\nUNION SELECT :time_range"),
        "the SQL must use the parameter as :time_range.min or :time_range.max",
    ),
    "a name with a space": (_set(lambda d: _widget(d, BAR), name="my bar"), "the name does not consist of"),
    "a name of 61 characters": (_set(lambda d: _widget(d, BAR), name="x" * 61), "the name does not consist of"),
    "a text with a specification": (_set(lambda d: _widget(d, "cost-note"), spec={}), "a text widget has neither"),
    "a text without line breaks": (
        _set(lambda d: _widget(d, "cost-note"), multilineTextboxSpec={"lines": ["## a", "b"]}),
        "a line of the text does not end with a line break",
    ),
    "an unknown chart": (
        lambda d: _widget(d, BAR)["spec"].update(widgetType="filter"),
        "filter is not a known widgetType",
    ),
    "a wrong version": (lambda d: _widget(d, BAR)["spec"].update(version=2), "the version of a bar is 3, not 2"),
    "the table that shows HTML": (
        lambda d: _widget(d, TABLE_WIDGET)["spec"].update(version=1),
        "the version of a table is 2, not 1",
    ),
    "a table column that is drawn": (
        lambda d: _widget(d, TABLE_WIDGET)["spec"]["encodings"]["columns"][0].update(displayAs="link"),
        "other keys than fieldName and displayName",
    ),
    "a table that aggregates": (
        lambda d: _main(d, TABLE_WIDGET).update(disaggregated=False),
        "a table aggregates its rows",
    ),
    "no title": (lambda d: _widget(d, BAR)["spec"]["frame"].pop("showTitle"), "the frame shows no title"),
    "an unknown dataset": (lambda d: _main(d, BAR).update(datasetName="other"), "there is no dataset other"),
    "a cast": (
        lambda d: _main(d, BAR)["fields"][0].update(expression="CAST(`service` AS STRING)"),
        "is not a column in backquotes",
    ),
    "an expression of the editor": (
        lambda d: _main(d, BAR)["fields"][0].update(expression="COUNT_IF(`associative_filter_predicate_group`)"),
        "is not a column in backquotes",
    ),
    "a field of another name": (
        lambda d: _main(d, BAR)["fields"][1].update(name="total"),
        "the encodings use sum(bytes), which is not the name of a field",
    ),
    "a field that nothing shows": (
        lambda d: _main(d, BAR)["fields"].append({"name": "records", "expression": "`records`"}),
        "the encodings do not use the field records",
    ),
    "a field twice": (
        lambda d: _main(d, BAR)["fields"].append(_main(d, BAR)["fields"][0]),
        "two fields have the same name",
    ),
    "a second query": (lambda d: _widget(d, BAR)["queries"].append({"name": "b", "query": {}}), "exactly one query"),
    "parameters of a chart": (
        lambda d: _main(d, BAR).update(parameters=[{"name": "account", "keyword": "account"}]),
        "the query of a chart has parameters",
    ),
    "a filter that aggregates nothing": (
        lambda d: _main(d, FILTER).update(disaggregated=True),
        "does not have disaggregated = false",
    ),
    "a filter of a missing query": (
        lambda d: _widget(d, FILTER)["spec"]["encodings"]["fields"][0].update(queryName="other"),
        "there is no query other",
    ),
    "a filter of a missing field": (lambda d: _main(d, FILTER)["fields"].clear(), "has no field account_id"),
    "a filter of a parameter that its query does not set": (
        lambda d: _widget(d, FILTER)["queries"][1]["query"]["parameters"].clear(),
        "does not set the parameter account",
    ),
    "a filter of a parameter that its dataset does not have": (
        lambda d: _widget(d, FILTER)["queries"][1]["query"].update(datasetName="quarantine_summary"),
        "the dataset quarantine_summary has no parameter account",
    ),
}


def test_the_document_keeps_all_rules() -> None:
    assert checker.problems(DOCUMENT) == []


@pytest.mark.parametrize("case", BREAKS)
def test_the_checker_reports(case: str) -> None:
    broken = copy.deepcopy(DOCUMENT)
    change, expected = BREAKS[case]
    change(broken)
    assert any(expected in problem for problem in checker.problems(broken)), checker.problems(broken)


# The command.


def test_the_command_writes_the_file_of_the_environment_and_prints_its_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text(SIMPLE)
    target = tmp_path / "dashboards"
    assert main(["--env", str(tmp_path / "mine.toml")], folder=target) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{target / 'mine.lvdash.json'}\n"
    assert "Import dashboard from file" in shown.err
    assert (target / "mine.lvdash.json").read_text() == document("network.flow_logs.test")


def test_the_command_warns_if_no_job_creates_the_roll_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text(changed(maintenance("enabled = false")))
    assert main(["--env", str(tmp_path / "mine.toml")], folder=tmp_path / "dashboards") == 0
    assert "warning: maintenance.enabled is false" in capsys.readouterr().err


def test_an_unknown_environment_is_a_mistake_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", str(tmp_path / "none.toml")], folder=tmp_path / "dashboards") == 2
    assert "the file does not exist" in capsys.readouterr().err
    assert not (tmp_path / "dashboards").exists()
