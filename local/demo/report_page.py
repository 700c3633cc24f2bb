"""The report of a finished demo, written as a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from local.demo.context import Act
from local.demo.page import page
from local.demo.reconciliation import Account
from local.demo.report import Deployed, Lookup, Report
from local.demo.versions import versions


def write_report(file: Path, *, act: Act, deployed: Deployed, account: Account, lookups: Sequence[Lookup]) -> Path:
    """Write the page and return its path."""
    report = Report(
        created_at=datetime.now(timezone.utc),
        seed=act.seed,
        deployed=deployed,
        flow_logs=account.results,
        steps=tuple(act.live.steps),
        minutes=account.minutes,
        marks=tuple(act.marks),
        answers=account.answers,
        ports=account.ports,
        quarantine=account.quarantine,
        damaged={file.name: file.damage for file in account.delivered.damaged},
        lags=account.lags,
        restart_lags=account.restart_lags,
        differences=account.differences,
        lookups=tuple(lookups),
        versions=versions(),
    )
    file.write_text(page(report), encoding="utf-8")
    return file
