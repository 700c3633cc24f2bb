"""Write the reference of the answers from their SQL files: ``python -m tools.answers_reference``.

``make docs`` writes docs/answers.md. Everything about an answer comes from the comment at the top of its file in
``job/vpc_flow_logs/answers/``, so a new answer needs no work here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vpc_flow_logs.answers.catalogue import catalogue
from vpc_flow_logs.answers.model import TOPICS, Answer

PAGE = Path(__file__).resolve().parent.parent / "docs" / "answers.md"

_INTRODUCTION = """\
# Answers

<!-- Written by `make docs` from job/vpc_flow_logs/answers/. -->

When the job starts, it creates a SQL table function for each question below, next to the records table. The name of a
function is the name of the table, an underscore, and the name of the answer:

```sql
SELECT * FROM network.flow_logs.staging_top_talkers();

SELECT * FROM network.flow_logs.staging_port_scans(since => now() - INTERVAL 7 DAYS, min_ports => 50);
```

`since` is inclusive and `until` is exclusive; both compare with `event_time`. Without them, a function covers the last
24 hours. All functions read the view `<table>_all_fields`, which has a typed column for each of the 72 fields that AWS
documents: the column of the table if there is one, otherwise the value in `other_fields`, otherwise NULL. So every
answer works with every table, and is empty if a field that it needs was never delivered. Each answer below lists the
fields that the flow log must have, and the optional fields that make it more precise.

The job changes only the views and functions that it created. A view or function of the same name that someone else
created stays, and the job prints a note. If the catalog does not allow SQL functions, the job prints a note and loads
the files anyway. `--answers off` turns this off.
"""


def page() -> str:
    """Return the text of docs/answers.md."""
    answers = catalogue()
    sections = [_section(topic, [answer for answer in answers if answer.topic == topic]) for topic in TOPICS]
    return "\n".join([_INTRODUCTION, *sections])


def _section(topic: str, answers: Sequence[Answer]) -> str:
    return "\n".join([f"## {topic.capitalize()}\n", *map(_entry, answers)])


def _entry(answer: Answer) -> str:
    """Return the entry of an answer: the question, what counts, the fields, the parameters and the columns."""
    optional = f" Optional: {_code(answer.optional)}." if answer.optional else ""
    fields = f"Fields: {_code(answer.fields)}.{optional}" if answer.fields else f"Fields: none.{optional}"
    parameters = [f"- `{each.name}` (default `{each.default}`): {each.meaning}" for each in answer.parameters[2:]]
    lines = [
        f"### {answer.name}\n",
        f"{answer.question} {answer.counts} Order: {answer.order}.\n",
        f"{fields}\n",
        *(["Parameters besides `since` and `until`:\n", *parameters, ""] if parameters else []),
        f"Columns: {_code([column.name for column in answer.columns])}.\n",
    ]
    return "\n".join(lines)


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(PAGE.parent.parent)}")
