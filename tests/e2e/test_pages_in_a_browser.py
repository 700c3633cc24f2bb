"""The pages in Debian's Chromium: no sideways scrolling, nothing that axe-core finds serious, and nothing loaded."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.answers import html_page
from local.answers.result import of_answer
from local.demo.page import page
from local.demo.report import Entry, Port
from tests.support.demo_reports import REPORT, answer
from tests.support.hostile import HOSTILE
from tests.support.ingesting import ROOT, SECONDS
from vpc_flow_logs.answers.catalog import catalog

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
IPV6 = "2001:db8:1234:5678:9abc:def0:1234:5678"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: make setup"),
]

MEASURE = """
const frames = [...document.querySelectorAll("iframe")];
const small = (frame) => [...frame.contentDocument.querySelectorAll("svg text")]
    .filter((text) => text.getClientRects().length)
    .map((text) => 12 * text.closest("svg").getBoundingClientRect().width / text.closest("svg").viewBox.baseVal.width);
onload = () => document.title = JSON.stringify(frames.map((frame) => ({
    width: frame.width,
    scroll: frame.contentDocument.documentElement.scrollWidth,
    loaded: frame.contentWindow.performance.getEntriesByType("resource").length,
    charts: [...frame.contentDocument.querySelectorAll("svg")].filter((svg) => svg.getClientRects().length).length,
    smallest: Math.min(...small(frame)),
})));
"""
AUDIT = """
axe.run({resultTypes: ["violations"]}).then((found) => document.title = JSON.stringify({
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    passes: found.passes.length,
    serious: found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
        .map((each) => [each.id, each.nodes.length, each.nodes[0].html.slice(0, 300), each.nodes[0].failureSummary]),
}));
"""


def pages() -> dict[str, str]:
    """Return pages with long and hostile text in every place that shows text from logs."""
    (top,) = (each for each in catalog() if each.name == "top_talkers")
    rows = [(f"{IPV6[:-2]}{number}", number, number, 10**number) for number in range(10, 13)]
    stream = io.StringIO()
    html_page.write(of_answer(top, "Table flow_logs", [*rows, (HOSTILE * 3, 1, 1, 1)]), stream)
    report = replace(
        REPORT,
        answers=(answer("top_talkers", *rows), answer("rejected_sources", (HOSTILE, 1, 1, 1, 1, 1))),
        ports=(*REPORT.ports, Port(51820, 17, 12, 13)),
        quarantine=(*REPORT.quarantine, Entry("x" * 200, 1, 1, HOSTILE, "y" * 60)),
        differences=(HOSTILE,),
    )
    return {"answer": stream.getvalue(), "report": page(report)}


def title(folder: Path, name: str, *flags: str) -> Any:
    """Open a file and return the JSON that its script puts into the title."""
    assert CHROMIUM is not None
    process = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", *flags,
         f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000", "--dump-dom",
         f"file://{folder / name}"],
        capture_output=True, text=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    match = re.search(r"<title>(.*?)</title>", process.stdout, flags=re.DOTALL)
    assert match, process.stderr
    return json.loads(html.unescape(match[1]))


def test_pages_fit_a_phone_and_a_desktop_and_load_nothing(tmp_path: Path) -> None:
    texts = pages()
    frames = ""
    for name, text in texts.items():
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        frames += "".join(f'<iframe src="{name}.html" width="{width}" height="900"></iframe>' for width in (400, 1400))
    (tmp_path / "frames.html").write_text(f"<title>none</title>{frames}<script>{MEASURE}</script>", encoding="utf-8")

    measured = title(tmp_path, "frames.html")

    assert [(each["width"], each["loaded"]) for each in measured] == [("400", 0), ("1400", 0)] * len(texts)
    assert [each["scroll"] for each in measured if each["scroll"] > int(each["width"])] == []
    assert [each["charts"] for each in measured] == [1, 1, 7, 7]  # one of the two widths of each chart
    assert min(each["smallest"] for each in measured) >= 9.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["answer", "report"])
def test_axe_finds_nothing_serious(tmp_path: Path, name: str, scheme: str) -> None:
    # The policy of the page forbids scripts, and so also the one of this test.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", pages()[name])
    text = text.replace("<details>", "<details open>")
    script = f"<script>{AXE.read_text(encoding='utf-8')}</script><script>{AUDIT}</script>"
    (tmp_path / "page.html").write_text(text.replace("</body>", f"{script}</body>"), encoding="utf-8")

    found = title(tmp_path, "page.html", f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}")

    assert found["dark"] == (scheme == "dark")
    assert found["passes"] > 15
    assert found["serious"] == []
