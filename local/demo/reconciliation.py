"""Reconcile the delivered files with the tables, and run the other queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.answers.result import Result
from local.demo.check import TableCounts, differences
from local.demo.context import Act
from local.demo.loading import across_restarts
from local.demo.manifest import Manifest, manifest
from local.demo.report import Entry, FlowLogResult, Minute, Port
from local.demo.tables import ANSWERS, Tables

_TOP = 10


@dataclass(frozen=True)
class Account:
    """The results of the queries after the end of the traffic.

    ``lags`` and ``restart_lags`` are as in `Report`. ``tables`` holds the number of rows by table name.
    """

    delivered: Manifest
    results: tuple[FlowLogResult, ...]
    differences: tuple[str, ...]
    lags: tuple[float, ...]
    restart_lags: tuple[float, ...]
    minutes: tuple[Minute, ...]
    answers: tuple[Result, ...]
    ports: tuple[Port, ...]
    quarantine: tuple[Entry, ...]
    tables: Mapping[str, int]


def account(act: Act, tables: Tables) -> Account:
    """Query the tables and compare them with the delivered files."""
    files = act.traffic.files()
    delivered, loaded = manifest(files, act.traffic.damaged_deliveries), tables.by_flow_log()
    running, across = across_restarts(act.loading.waits(files), act.runs())
    return Account(
        delivered=delivered,
        results=tuple(FlowLogResult(log, loaded.get(log.id, TableCounts())) for log in delivered.flow_logs),
        differences=tuple(differences(delivered, loaded, tables.quarantined_lines())),
        lags=tuple(wait.seconds for wait in running),
        restart_lags=tuple(wait.seconds for wait in across),
        minutes=tables.minutes(),
        answers=tuple(tables.answer(name, _TOP) for name in ANSWERS),
        ports=tables.top_ports(_TOP),
        quarantine=tables.quarantine(),
        tables={name: tables.rows(name) for name in (tables.table, tables.quarantine_table)},
    )
