"""The recommended fields in docs/answers.md follow from the answers, are valid, and have measured prices."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import fields as bench
from infra.config import load
from tests.support.environment_files import environment
from tools import recommended_fields
from tools.recommended_fields import other_answers, recommended, tag_fields, vpc_fields
from tools.recommended_fields_text import GROUPS, OTHERS
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT, TGW_DEFAULT_FORMAT

PAGE = Path(__file__).parents[2] / "docs" / "answers.md"
VPC = 'vpc = "vpc-0123456789abcdef0"\n'
USED = {name for answer in catalog() for name in (*answer.fields, *answer.optional)}


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return bench.measured()


def test_the_list_on_the_page_can_be_pasted_into_a_flow_log(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    loaded = environment(tmp_path, (VPC, VPC + block))
    assert loaded.flow_logs[0].fields == recommended()


def test_a_tag_field_can_be_added_with_its_key(tmp_path: Path) -> None:
    for field in tag_fields():
        kind = field.removesuffix("-tag")
        block = f'{recommended_fields.as_toml([*recommended(), field])}\ntag_keys = {{ {kind} = ["team"] }}\n'
        loaded = environment(tmp_path, (VPC, VPC + block))
        assert loaded.flow_logs[0].fields == (*recommended(), field)


def test_every_answer_about_a_vpc_has_the_fields_that_it_needs_and_uses() -> None:
    delivered = {*recommended(), *tag_fields()}
    without = {answer.name for answer in catalog() if not set(answer.fields) <= set(recommended())}
    assert without == {answer.name for answer in other_answers()} == {"transit_gateway_drops"}
    missing = {
        name
        for answer in catalog()
        for name in (*answer.fields, *answer.optional)
        if name not in delivered and BY_NAME[name].scope != "tgw"
    }
    assert missing == set()


def test_an_answer_uses_every_recommended_field_or_a_reason_is_given() -> None:
    assert {name for name in recommended() if name not in USED} == set(OTHERS)
    assert set(OTHERS) < set(DEFAULT_FORMAT)


def test_the_list_is_the_default_format_and_then_newer_fields_in_the_order_of_aws() -> None:
    assert recommended()[: len(DEFAULT_FORMAT)] == DEFAULT_FORMAT
    places = [vpc_fields().index(name) for name in recommended()]
    assert places == sorted(set(places))


def test_every_version_in_the_list_has_a_purpose() -> None:
    assert set(GROUPS) == {BY_NAME[name].version for name in recommended()}


def test_the_default_format_of_transit_gateways_has_the_fields_of_the_other_answers() -> None:
    assert {name for answer in other_answers() for name in answer.fields} <= set(TGW_DEFAULT_FORMAT)


def test_the_production_example_has_the_recommended_fields_and_those_of_its_tags() -> None:
    (flow_log,) = [flow_log for flow_log in load("production").flow_logs if flow_log.fields]
    assert flow_log.fields is not None
    added = set(flow_log.fields) - set(recommended())
    assert added == {f"{kind}-tag" for kind, keys in flow_log.tag_keys if keys}
    assert flow_log.fields == tuple(name for name in vpc_fields() if name in {*recommended(), *added})


def test_the_committed_prices_are_those_that_the_benchmark_measures(measured: dict[str, Any]) -> None:
    committed = json.loads(recommended_fields.PRICES.read_text(encoding="utf-8"))
    assert set(committed) == set(measured)
    assert (committed["records"], tuple(committed["recommended"])) == (measured["records"], measured["recommended"])
    for part in ("formats", "added"):
        assert list(committed[part]) == list(measured[part])
        for name, price in measured[part].items():
            # Other versions of numpy round a few numbers differently, and zlib and Arrow compress differently.
            assert committed[part][name]["text"] == pytest.approx(price["text"], rel=0.001, abs=0.02), name
            for size in ("gzip", "table"):
                assert committed[part][name][size] == pytest.approx(price[size], rel=0.05, abs=0.05), (name, size)


def test_a_longer_format_has_a_higher_price_of_each_kind(measured: dict[str, Any]) -> None:
    default, middle, longest = measured["formats"].values()
    for size in ("text", "gzip", "table"):
        assert default[size] < middle[size] < longest[size]
    texts = {name: price["text"] for name, price in measured["added"].items()}
    # Each field needs a space and at least one character in each record. The header line adds a little.
    assert min(texts.values()) >= 2
    total = default["text"] + sum(texts[name] for name in recommended() if name in texts)
    # The version in each record of the longer format has two digits.
    assert middle["text"] == pytest.approx(total, abs=1.1)


def test_prices_of_other_fields_are_rejected_with_the_command_that_measures_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.loads(recommended_fields.PRICES.read_text(encoding="utf-8"))
    (tmp_path / "fields.json").write_text(json.dumps({**data, "recommended": data["recommended"][:-1]}))
    monkeypatch.setattr(recommended_fields, "PRICES", tmp_path / "fields.json")
    with pytest.raises(SystemExit, match=r"run \.venv/bin/python -m bench\.fields"):
        recommended_fields.prices()
