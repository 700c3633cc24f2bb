"""Templates that escape by construction: text becomes text, and never markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vpc_flow_logs.terminal import printable

_HERE = Path(__file__).parent
_STYLE = Markup(_HERE.joinpath("style.css").read_text(encoding="utf-8"))  # not from a log


def page(template: str, **values: Any) -> str:
    """Return the text of a page, for a UTF-8 file.

    Control characters and marks that change the direction of text are escaped, as in a terminal.

    Args:
        template: Name of a file in the folder ``templates``.
        values: Variables of the template. Only `Markup` is not escaped.
    """
    return _ENVIRONMENT.get_template(template).render(style=_STYLE, **values)


def _visible(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    finalize=_visible,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["thousands"] = "{:,}".format
