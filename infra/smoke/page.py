"""Format findings for a terminal and, as Markdown, for a workflow's summary."""

from __future__ import annotations

from collections.abc import Sequence

from infra.smoke.judgement import Finding
from vpc_flow_logs.terminal import printable

_SIGNS = {"ok": "ok", "note": "-", "wrong": "WRONG"}


def verdict(findings: Sequence[Finding]) -> str:
    """Return the overall result in one line."""
    wrong = [finding.check for finding in findings if finding.state == "wrong"]
    return f"Not healthy: {', '.join(wrong)}" if wrong else "Healthy"


def text(findings: Sequence[Finding]) -> str:
    """Return one line per finding, each followed by a line with its next step, and the overall result."""
    lines = []
    for finding in findings:
        lines.append(f"  {_SIGNS[finding.state]:<6} {finding.check:<13} {printable(finding.text)}")
        if finding.next_step:
            lines.append(f"  {'':<6} {'':<13} next: {printable(finding.next_step)}")
    return "\n".join([*lines, verdict(findings)])


def markdown(title: str, findings: Sequence[Finding]) -> str:
    """Return the findings as a Markdown table."""
    rows = [
        f"| {_SIGNS[finding.state]} | {finding.check} | {_cell(finding.text)} | {_cell(finding.next_step)} |"
        for finding in findings
    ]
    head = "| | Check | Result | Next step |\n|---|---|---|---|"
    return "\n".join([f"### {title}: {verdict(findings).lower()}\n", head, *rows, ""])


def _cell(text: str) -> str:
    return printable(text.replace("\n", " ")).replace("|", "\\|").replace("<", "&lt;")
