"""The pages of the dashboard: the panels of each page, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from infra.dashboard import widgets
from infra.dashboard.datasets import datasets

COLUMNS: Final = 12
"""Columns of the grid of a page."""

_HEIGHTS = {"counter": 3, "table": 8, "text": 2}
_HEIGHT = 7


@dataclass(frozen=True)
class Panel:
    """A panel of a page.

    Attributes:
        dataset: Name of the dataset.
        kind: Kind of its chart; by default, that of the answer.
        column: The column of a counter.
    """

    dataset: str
    kind: str = ""
    column: str = ""


@dataclass(frozen=True)
class Page:
    """A page: its title, a note at its top, and rows of panels that share the width."""

    title: str
    note: str
    rows: tuple[tuple[Panel, ...], ...]

    @property
    def name(self) -> str:
        """The name of the page."""
        return self.title.lower()

    def document(self) -> dict[str, Any]:
        """Return the page as JSON."""
        layout = [_placed(widgets.text(f"{self.name}-note", [f"## {self.title}", self.note]), 0, 0, COLUMNS, 2)]
        y = _HEIGHTS["text"]
        for row in self.rows:
            width = COLUMNS // len(row)
            kinds = [panel.kind or datasets()[panel.dataset].answer.chart.kind for panel in row]
            height = max(_HEIGHTS.get(kind, _HEIGHT) for kind in kinds)
            for number, (panel, kind) in enumerate(zip(row, kinds, strict=True)):
                layout.append(_placed(self._widget(panel, kind), number * width, y, width, height))
            y += height
        return {
            "name": self.name,
            "displayName": self.title,
            "pageType": "PAGE_TYPE_CANVAS",
            "layoutVersion": "GRID_V1",
            "layout": layout,
        }

    def _widget(self, panel: Panel, kind: str) -> dict[str, Any]:
        dataset = datasets()[panel.dataset]
        if kind == "counter":
            return widgets.counter(f"{self.name}-{panel.dataset}-{panel.column}", dataset, panel.column)
        return widgets.chart(f"{self.name}-{panel.dataset}-{kind}", dataset, kind)


def _placed(widget: dict[str, Any], x: int, y: int, width: int, height: int) -> dict[str, Any]:
    return {"widget": widget, "position": {"x": x, "y": y, "width": width, "height": height}}


def _totals(*columns: str) -> tuple[Panel, ...]:
    return tuple(Panel("totals", column=column) for column in columns)


PAGES: Final = (
    Page(
        "Overview",
        "For a time range of more than a day, these totals and trends read the hourly roll-up, which the maintenance "
        "job creates on its first run, and the records that it does not contain yet. Times are in the time zone of "
        "the SQL warehouse.",
        (
            _totals("bytes", "packets", "records", "rejected"),
            (Panel("traffic_over_time"),),
            (Panel("services"), Panel("top_talkers")),
            (Panel("networks"), Panel("total_bytes_transferred")),
        ),
    ),
    Page(
        "Security",
        "Rejected and risky traffic. Rejected records are those that a security group, a network ACL or a policy "
        "denied.",
        (
            (Panel("rejected_over_time"), Panel("rejected_sources")),
            (Panel("port_scans"), Panel("admin_ports_from_internet")),
            (Panel("unusual_uploads"), Panel("unencrypted_traffic")),
            (Panel("blocked_by_policy"), Panel("rejected_tcp_traffic")),
            (Panel("ssh_rdp_traffic"), Panel("admin_port_traffic")),
        ),
    ),
    Page(
        "Cost",
        "Traffic that AWS charges for. A panel is empty if the flow logs do not have the fields that it needs.",
        (
            (Panel("nat_gateway_bytes"), Panel("gateway_endpoint_savings")),
            (Panel("nat_gateway_bytes", "table"),),
            (Panel("cross_az_bytes"), Panel("cross_az_bytes", "table")),
            (Panel("internet_egress"), Panel("internet_egress", "table")),
        ),
    ),
    Page(
        "Network",
        "Conversations, and the addresses, instances and subnets with the most traffic. A flow that is logged at both "
        "ends counts twice, except in the conversations.",
        (
            (
                Panel("ipv4_traffic", column="bytes"),
                Panel("ipv6_traffic", column="bytes"),
            ),
            (Panel("conversations"),),
            (Panel("top_talkers_packet_level"), Panel("total_bytes_transferred_packet_level")),
            (Panel("top_talking_instances"), Panel("top_talking_subnets")),
            (Panel("accepted_traffic"), Panel("rejected_traffic")),
            (Panel("transit_gateway_drops"),),
        ),
    ),
    Page(
        "Health",
        "Whether the records are complete. The time range does not limit the newest record of each flow log, and the "
        "filters do not apply to lines in quarantine.",
        (
            (Panel("freshness"), Panel("skipped_data")),
            (Panel("quarantine_summary"),),
        ),
    ),
)
"""The pages, in order."""
