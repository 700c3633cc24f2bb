"""Recommended fields of a VPC flow log, and the chapter about them in docs/answers.md.

The fields follow from the catalog of answers. Their price in bytes is in bench/fields.json, which
``python -m bench.fields`` writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from tools.recommended_fields_text import (
    ARITHMETIC,
    FIRST,
    GROUPS,
    LEFT_OUT,
    METHOD,
    OTHERS,
    PRICE,
    SPARSE,
    SUMMARY,
    WHY,
)
from vpc_flow_logs.answers.catalog import catalog
from vpc_flow_logs.answers.model import Answer
from vpc_flow_logs.fields import BY_NAME, DEFAULT_FORMAT, FIELDS

PRICES = Path(__file__).resolve().parent.parent / "bench" / "fields.json"

_MOST_NAMES = 6  # a longer list of answers is shown as their number


@dataclass(frozen=True)
class Price:
    """Bytes per record.

    Attributes:
        text: As text, before compression.
        gzip: In a gzip file of text.
        table: In the table after ``maintain``.
    """

    text: float
    gzip: float
    table: float


@dataclass(frozen=True)
class Prices:
    """Measured prices.

    Attributes:
        records: Number of records that were measured.
        formats: Price of the formats ``default``, ``recommended`` and ``all``.
        added: Price that each other field adds to the default format.
    """

    records: int
    formats: dict[str, Price]
    added: dict[str, Price]


def recommended() -> tuple[str, ...]:
    """Return the recommended fields, in the order of the AWS documentation.

    They are the fields of VPC flow logs that an answer needs or uses, and `OTHERS`. Fields that need tag keys are left
    out, because the tag keys depend on the user.
    """
    used = {*_used(), *OTHERS}
    return tuple(name for name in vpc_fields() if name in used and not _is_tag(name))


def tag_fields() -> tuple[str, ...]:
    """Return the fields that answers use and that need tag keys, in the order of the AWS documentation."""
    used = _used()
    return tuple(name for name in vpc_fields() if name in used and _is_tag(name))


def vpc_fields() -> tuple[str, ...]:
    """Return all fields of VPC flow logs, in the order of the AWS documentation."""
    return tuple(field.name for field in FIELDS if field.scope != "tgw")


def other_answers() -> tuple[Answer, ...]:
    """Return the answers that need fields of transit gateway flow logs."""
    return tuple(answer for answer in catalog() if any(BY_NAME[name].scope == "tgw" for name in answer.fields))


def prices() -> Prices:
    """Return the prices in bench/fields.json.

    Raises:
        SystemExit: The file does not match the recommended fields.
    """
    data = json.loads(PRICES.read_text(encoding="utf-8"))
    if tuple(data["recommended"]) != recommended() or set(data["added"]) != {*vpc_fields()} - {*DEFAULT_FORMAT}:
        raise SystemExit(
            "bench/fields.json has the prices of other fields; run .venv/bin/python -m bench.fields, then make docs"
        )
    return Prices(
        records=data["records"],
        formats={name: Price(**price) for name, price in data["formats"].items()},
        added={name: Price(**price) for name, price in data["added"].items()},
    )


def as_toml(fields: Sequence[str]) -> str:
    """Return the ``fields`` key of a flow log in an environment file, with a line break before each version.

    >>> print(as_toml(["bytes", "vpc-id"]))
    fields = [
        "bytes",
        "vpc-id",
    ]
    """
    indent = " " * 4
    lines = [
        fill(", ".join(f'"{name}"' for name in of_version) + ",", 120, initial_indent=indent, subsequent_indent=indent)
        for _, of_version in _by_version(fields)
    ]
    return "\n".join(["fields = [", *lines, "]"])


def chapter() -> str:
    """Return the chapter for docs/answers.md."""
    of_default = sum(set(answer.fields) <= set(DEFAULT_FORMAT) for answer in catalog())
    summary = SUMMARY.format(of_default=of_default, answers=len(catalog()), gateway=_linked(other_answers()))
    measured = prices()
    return "".join(
        [
            FIRST.format(summary=fill(" ".join(summary.split()), 120), fields=as_toml(recommended())),
            *(f"- `{name}`: {reason}\n" for name, reason in OTHERS.items()),
            WHY,
            *_why(),
            SPARSE,
            *_left_out(),
            PRICE,
            *_format_rows(measured),
            ARITHMETIC,
            *_field_rows(measured),
            METHOD.format(records=f"{measured.records:,}"),
        ]
    )


def _used() -> set[str]:
    answers = set(catalog()) - set(other_answers())
    return {name for answer in answers for name in (*answer.fields, *answer.optional)}


def _is_tag(name: str) -> bool:
    return "-tag" in name


def _by_version(fields: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each version and its fields."""
    for version in sorted({BY_NAME[name].version for name in fields}):
        yield version, [name for name in fields if BY_NAME[name].version == version]


def _why() -> Iterator[str]:
    """Yield the rows of the table of versions."""
    for version, names in _by_version(recommended()):
        need = _with(names, lambda answer: answer.fields)
        use = [answer for answer in _with(names, lambda answer: answer.optional) if answer not in need]
        yield f"| {version} | {_listed(names)} | {GROUPS[version]} | {_linked(need)} | {_linked(use)} |\n"


def _with(names: Sequence[str], of: Callable[[Answer], Sequence[str]]) -> list[Answer]:
    return [answer for answer in catalog() if set(of(answer)) & set(names) and answer not in other_answers()]


def _left_out() -> Iterator[str]:
    """Yield the items about fields that are not recommended."""
    tags = tag_fields()
    values = {
        "tags": _listed(tags),
        "tagged": _linked(_with(tags, lambda answer: (*answer.fields, *answer.optional))),
        "gateway": _linked(other_answers()),
        "unused": _listed(name for name in vpc_fields() if name not in (*recommended(), *tags)),
    }
    for item in LEFT_OUT.strip().split("\n\n"):
        text = " ".join(item.format(**values).split())
        yield fill(text, 120, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) + "\n"


def _format_rows(measured: Prices) -> Iterator[str]:
    numbers = {"default": len(DEFAULT_FORMAT), "recommended": len(recommended()), "all": len(vpc_fields())}
    for name, price in measured.formats.items():
        default = measured.formats["default"]
        cells = (
            f"{value:.1f} ({value / base:.1f} x)" for value, base in zip(_cells(price), _cells(default), strict=True)
        )
        yield f"| {name} | {numbers[name]} | {' | '.join(cells)} |\n"


def _field_rows(measured: Prices) -> Iterator[str]:
    for name, price in measured.added.items():
        status = "yes" if name in recommended() else "with a tag key" if name in tag_fields() else "no"
        cells = " | ".join(f"{value:.1f}" if value >= 0.05 else "< 0.1" for value in _cells(price))
        yield f"| `{name}` | {BY_NAME[name].version} | {status} | {cells} |\n"


def _cells(price: Price) -> tuple[float, float, float]:
    return price.text, price.gzip, price.table


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _linked(answers: Iterable[Answer]) -> str:
    links = [f"[`{answer.name}`](#{answer.name})" for answer in answers]
    return f"{len(links)} answers" if len(links) > _MOST_NAMES else ", ".join(links)
