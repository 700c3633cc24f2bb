"""docs/answers.md lists every answer, as `make docs` writes it."""

from __future__ import annotations

from tests.support.golden import golden
from tools.answers_reference import PAGE, page
from vpc_flow_logs.answers.catalogue import catalogue


def test_the_page_is_up_to_date(update):
    golden(PAGE, page(), update=update)


def test_the_page_has_the_question_and_the_parameters_of_every_answer():
    text = page()
    for answer in catalogue():
        entry = text.partition(f"### {answer.name}\n")[2].partition("\n### ")[0]
        assert answer.question in entry
        assert all(f"`{parameter.name}`" in entry for parameter in answer.parameters[2:])
