"""The catalog of answers, the views that they read, and the statements that create both."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from tests.support.golden import golden
from tools import answers_reference
from vpc_flow_logs.answers import addresses, ocsf, services, views
from vpc_flow_logs.answers.catalog import BadAnswer, catalog, parsed
from vpc_flow_logs.answers.model import CHARTS, SOURCES, TOPICS, Answer
from vpc_flow_logs.answers.statements import COMPLETE, MARK, mark_of, object_name, sources_of, statements
from vpc_flow_logs.fields import BY_NAME, FIELDS

pytestmark = pytest.mark.lts

ANSWERS = catalog()
NAMES = {
    "traffic": (
        "accepted_traffic", "admin_port_traffic", "ipv4_traffic", "ipv6_traffic", "rejected_tcp_traffic",
        "rejected_traffic", "ssh_rdp_traffic", "top_talkers", "top_talkers_packet_level", "top_talking_instances",
        "top_talking_subnets", "top_tcp_traffic", "total_bytes_transferred", "total_bytes_transferred_packet_level",
        "traffic_from", "traffic_to",
    ),
    "cost": ("cross_az_bytes", "gateway_endpoint_savings", "internet_egress", "nat_gateway_bytes"),
    "security": (
        "admin_ports_from_internet", "blocked_by_policy", "port_scans", "rejected_sources", "unencrypted_traffic",
        "unusual_uploads",
    ),
    "network": ("conversations", "transit_gateway_drops"),
    "health": ("freshness", "quarantine_summary", "skipped_data"),
}  # fmt: skip
DEFAULTS = {
    "min_ports": "20", "min_addresses": "20", "factor": "10", "min_bytes": "1000000000", "address": "NULL",
    "direction": "NULL",
}  # fmt: skip
EXACT_COLUMNS = {
    "conversations": "community_id client server service_port protocol client_bytes server_bytes first_seen last_seen "
    "tcp_flags",
    "freshness": "flow_log newest lag_seconds",
    "quarantine_summary": "reason entries lines",
    "skipped_data": "interface_id log_status records",
    "top_talkers": "srcaddr records packets bytes",
    "total_bytes_transferred": "srcaddr dstaddr records packets bytes",
    "ipv4_traffic": "records packets bytes",
}
HEADER = """\
-- title: T
-- topic: cost
-- question: Q?
-- counts: C.
-- order: most bytes first
-- fields: bytes
-- chart: counter bytes
-- column: bytes
SELECT 1
"""
TABLE = "c.s.t"
EXPRESSIONS = {column.name: column.fields for column in views.DERIVED}
BODY = r"'[^']*'|--[^\n]*"

each = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)


def words(answer: Answer) -> set[str]:
    return set(re.findall(r"\w+", re.sub(BODY, "", answer.sql)))


def test_the_catalog_has_the_answers_of_the_design_by_topic() -> None:
    assert tuple(NAMES) == TOPICS
    assert [answer.name for answer in ANSWERS] == [name for topic in TOPICS for name in NAMES[topic]]
    assert {answer.name: answer.topic for answer in ANSWERS} == {n: t for t, names in NAMES.items() for n in names}


@each
def test_a_header_is_complete_and_its_names_exist(answer: Answer) -> None:
    for text in (answer.title, answer.question, answer.counts, answer.order):
        assert text == text.strip()
    assert answer.question.endswith("?")
    assert answer.counts.endswith(".")
    assert answer.chart.kind in CHARTS
    names = [column.name for column in answer.columns]
    assert len(set(names)) == len(names)
    assert set(answer.chart.columns) <= set(names)
    assert (answer.chart.kind == "table") == (answer.chart.columns == ())
    assert set(answer.fields) | set(answer.optional) <= set(BY_NAME)
    assert not set(answer.fields) & set(answer.optional)


@each
def test_a_header_names_exactly_the_fields_that_the_sql_reads(answer: Answer) -> None:
    columns = words(answer) & {field.column for field in FIELDS}
    columns |= {column for name in words(answer) & set(EXPRESSIONS) for column in EXPRESSIONS[name]}
    # Words of the SQL that are also names of fields: CASE ... END, and columns of other sources.
    columns -= {"end"} - {column.replace("-", "_") for column in answer.optional}
    assert {name.replace("-", "_") for name in (*answer.fields, *answer.optional)} == columns


@each
def test_a_header_names_exactly_the_parameters_that_the_sql_uses(answer: Answer) -> None:
    used = set(re.findall(r":(\w+)", re.sub(BODY, "", answer.sql)))
    declared = {parameter.name for parameter in answer.parameters}
    assert [parameter.name for parameter in answer.parameters[:2]] == ["since", "until"]
    assert used == (set() if answer.name == "freshness" else declared)
    assert {p.name: p.default for p in answer.parameters[2:]}.items() <= DEFAULTS.items()
    # In the body of a function, a parameter has no colon, and a column of the same name would take precedence.
    view = views.all_fields("t", {})
    assert not declared & {column.name for column in view.columns}


@each
def test_the_sql_is_one_select_that_reads_only_the_sources(answer: Answer) -> None:
    assert re.match("SELECT|WITH", answer.sql)
    assert ";" not in answer.sql
    own = set(re.findall(r"(\w+) AS \(\s", answer.sql))
    assert set(re.findall(r"\b(?:FROM|JOIN) (\w+)", answer.sql)) <= own | set(SOURCES)
    assert "LIKE '1" not in answer.sql  # classes of addresses come from the view


def test_a_call_of_an_address_function_becomes_an_expression() -> None:
    sql = addresses.expanded(
        "SELECT a FROM t WHERE address_class(a) = 'public' AND address_digits(s.b) > my_address_class(c)"
    )
    assert sql == (
        f"SELECT a FROM t WHERE ({addresses.class_of('a')}) = 'public' "
        f"AND ({addresses.hex_of('s.b')}) > my_address_class(c)"
    )
    assert not [answer.name for answer in ANSWERS if re.search(r"address_(class|digits)\(", answer.sql)]


@pytest.mark.parametrize(("name", "columns"), EXACT_COLUMNS.items())
def test_columns_are_those_of_the_design(name: str, columns: str) -> None:
    (answer,) = (answer for answer in ANSWERS if answer.name == name)
    assert " ".join(column.name for column in answer.columns) == columns


def test_lists_have_at_most_the_rows_of_the_design() -> None:
    limits = {answer.name: re.findall(r"LIMIT (\d+)", answer.sql) for answer in ANSWERS}
    lists = ("accepted_traffic", "rejected_traffic", "rejected_tcp_traffic", "ssh_rdp_traffic", "traffic_from",
             "traffic_to", "top_tcp_traffic")  # fmt: skip
    tops = [name for name in NAMES["traffic"] if name.startswith(("top_talk", "total_"))]
    expected = dict.fromkeys(lists, 1000) | dict.fromkeys(tops, 50) | {"admin_port_traffic": 10}
    assert {name: int(found[0]) for name, found in limits.items() if found} == expected


def test_answers_that_sum_bytes_between_addresses_take_a_direction_and_explain_it() -> None:
    with_direction = {answer.name for answer in ANSWERS if "direction" in [p.name for p in answer.parameters]}
    assert with_direction == {*NAMES["traffic"], "cross_az_bytes", "unencrypted_traffic"}
    for answer in ANSWERS:
        assert ("counts twice, unless direction is 'egress'" in answer.counts) == (answer.name in with_direction)


def test_a_query_uses_parameter_markers_and_a_function_body_uses_names() -> None:
    answer = parsed("x", HEADER.replace("SELECT 1", "SELECT ':no' FROM all_fields WHERE a >= :since -- ok\nAND b::INT"))
    sources = {"all_fields": "`t_all_fields`"}
    assert answer.query(sources) == "SELECT ':no' FROM `t_all_fields` WHERE a >= :since -- ok\nAND b::INT"
    assert answer.body(sources) == "SELECT ':no' FROM `t_all_fields` WHERE a >= since -- ok\nAND b::INT"


def test_values_replace_markers_and_the_other_parameters_have_their_defaults() -> None:
    answer = parsed(
        "x",
        HEADER.replace("SELECT 1", "SELECT :since, :until, :a, :b, ':a' -- :a").replace(
            "-- chart", "-- parameter: a STRING = NULL: A.\n-- parameter: b INT = 20: B.\n-- chart"
        ),
    )
    given = {"until": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "a": "it's :b\\"}
    assert answer.bound({}, given) == (
        "SELECT CAST(current_timestamp() - INTERVAL 24 HOURS AS TIMESTAMP), "
        "CAST(TIMESTAMP '2026-01-02T02:00:00+00:00' AS TIMESTAMP), "
        r"CAST('it\'s :b\\' AS STRING), CAST(20 AS INT), ':a' -- :a"
    )
    assert "CAST(NULL AS STRING)" in answer.bound({}, {"a": None})
    assert "CAST(2.5 AS INT)" in answer.bound({}, {"b": 2.5})
    with pytest.raises(KeyError, match="x has no parameter 'c'; it has since, until, a, b"):
        answer.bound({}, {"c": 1})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("-- title: T\n", "", "x.sql: the header has no title"),
        ("-- title: T", "-- tilte: T", "x.sql: 'tilte' is not a valid key"),
        ("-- counts: C.", "-- counts: C.\n-- counts: D.", "x.sql: 'counts' is not a valid key or occurs twice"),
        ("-- counts: C.", "-- no key", "x.sql: '-- no key' is not a line of the form"),
        ("counter", "pie", "chart is one of counter, bar"),
        ("cost", "money", "topic is one of traffic, cost"),
        ("column: bytes", "column: size", "column 'size' is not a field"),
        ("-- chart", "-- parameter: a\n-- chart", "parameter 'a' does not have the form name TYPE = default"),
    ],
)
def test_a_malformed_header_is_an_error_that_names_the_file(old: str, new: str, words: str) -> None:
    with pytest.raises(BadAnswer) as error:
        parsed("x", HEADER.replace(old, new))
    assert words in str(error.value)


def test_the_view_has_every_field_then_the_kept_columns_then_the_derived_ones() -> None:
    view = views.all_fields("t", {})
    fields = [(field.column, field.type, field.meaning) for field in FIELDS]
    assert [(column.name, column.type, column.comment) for column in view.columns[:72]] == fields
    assert [column.name for column in view.columns[72:75]] == ["event_time", "source_file", "ingested_at"]
    assert view.columns[75:] == views.DERIVED


def test_a_field_comes_from_its_column_or_from_other_fields_in_every_spelling() -> None:
    query = views.all_fields("t", {"srcport": "INT", "bytes": "STRING"}).query
    assert "`srcport` AS `srcport`" in query
    assert "try_cast(`bytes` AS BIGINT) AS `bytes`" in query
    assert "try_element_at(other_fields, 'action') AS `action`" in query
    both = "coalesce(try_element_at(other_fields, 'tcp-flags'), try_element_at(other_fields, 'tcp_flags'))"
    assert f"try_cast({both} AS INT) AS `tcp_flags`" in query
    assert "try_element_at(other_fields, 'accountid')" in query


def test_each_port_and_protocol_has_one_name_and_each_admin_port_has_a_name() -> None:
    view = views.service_names()
    rows = re.findall(r"\((\d+), (\d+|CAST\(NULL AS INT\)), '([^']+)'\)", view.query)
    assert len(rows) == 2 * len(services.PORTS) + len(services.PROTOCOLS)
    assert len({row[:2] for row in rows}) == len(rows)
    assert set(services.ADMIN_PORTS) <= set(services.PORTS)


def test_every_field_is_in_an_ocsf_event_exactly_once() -> None:
    names = [field.column for field in FIELDS]
    assert set(ocsf.MAPPED) <= set(names)
    used = {name: sql for name, _, sql in ocsf.ATTRIBUTES if name != "unmapped"}
    steps = [sql for step in ocsf.STEPS for sql in step.values()]
    words = set(re.findall(r"\w+", " ".join([*used.values(), *steps])))
    assert set(ocsf.MAPPED) <= words
    (unmapped,) = (type_ for name, type_, _ in ocsf.ATTRIBUTES if name == "unmapped")
    listed = re.findall(r"(\w+): \w+", unmapped)
    assert sorted([*ocsf.MAPPED, *listed]) == sorted(names)
    assert not set(listed) & words


def test_statements_create_what_functions_read_then_a_function_for_each_answer_then_the_view_of_events() -> None:
    made = statements(TABLE, {"srcaddr": "STRING"})
    names = ["service_names", "all_fields", *(answer.name for answer in ANSWERS), "ocsf"]
    assert [statement.name for statement in made] == [object_name(TABLE, name) for name in names]
    assert [statement.is_view for statement in made] == [True, True] + [False] * len(ANSWERS) + [True]
    for statement in made:
        kind = "VIEW" if statement.is_view else "FUNCTION"
        assert statement.sql.startswith(f"CREATE OR REPLACE {kind} `c`.`s`.`{statement.name.rpartition('.')[2]}` (")
        assert (statement.digest if statement.is_view else mark_of(statement.digest)) in statement.sql
    assert "since TIMESTAMP DEFAULT current_timestamp() - INTERVAL 24 HOURS COMMENT" in made[-2].sql
    assert sources_of(TABLE)["quarantine"] == "`c`.`s`.`t_quarantine`"
    assert MARK != COMPLETE


def test_a_new_column_of_the_table_changes_the_digest_of_the_view_only() -> None:
    before, after = (statements(TABLE, types) for types in ({}, {"srcaddr": "STRING"}))
    changed = [old.name for old, new in zip(before, after, strict=True) if old.digest != new.digest]
    assert changed == ["c.s.t_all_fields"]


def test_the_page_about_the_answers_is_generated_from_the_catalog(update: bool) -> None:
    golden(answers_reference.PAGE, answers_reference.page(), update=update)
