"""The demo from the first step to the last: clouds, deploy, traffic, queries, change, check, maintenance, destroy."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from local.demo import damages, terminal
from local.demo.change import SUBNET, TRANSIT_GATEWAY, more_flow_logs
from local.demo.context import Act, DemoError
from local.demo.folder import Folder
from local.demo.leftovers import Names, remaining
from local.demo.live import Live
from local.demo.maintenance import maintain
from local.demo.manifest import manifest
from local.demo.reconciliation import Account, account
from local.demo.report import Deployed, Lookup
from local.demo.report_page import write_report
from local.demo.tables import ANSWERS, Tables
from local.demo.text import aligned, in_seconds, shown
from local.demo.traffic import EVERY, lines
from local.demo.watch import Watch
from local.stage.by_hand import commands, write_environment
from local.stage.cdk import event
from local.stage.composed import embedded
from vpc_flow_logs.progress import counted

STEPS = 9
_TOP = 5


def play(folder: Folder, live: Live, *, seed: int, records: int, keep: bool) -> int:
    """Run the demo in an empty folder and return the exit status: 1 if tables differ or something is left.

    Raises:
        DemoError, CdkError, SqlError, NotStarted: a step failed.
    """
    with _ignorable_signals() as ignore_signals, ExitStack() as cleanup:
        try:
            return _play(folder, live, cleanup, seed=seed, records=records, keep=keep)
        finally:
            ignore_signals()


@contextmanager
def _ignorable_signals() -> Iterator[Callable[[], None]]:
    """Yield a function to call before the cleanup, so that another Ctrl-C does not interrupt it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def ignore() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    try:
        yield ignore
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _play(folder: Folder, live: Live, cleanup: ExitStack, *, seed: int, records: int, keep: bool) -> int:
    with live.step("start two clouds on this machine: AWS with IAM enforced, and a Databricks workspace"):
        stage = cleanup.enter_context(embedded(folder.stage))
        # Starts in the background, during the next steps.
        sql = cleanup.enter_context(stage.sql())
        act = Act(folder, live, stage, seed=seed, records=records)
        tables = Tables(sql, act.table)
        live.say(f"     AWS at {stage.aws.url}, workspace at {stage.workspace.host}")
    with live.step("cdk bootstrap"):
        stage.bootstrap(act.log_and_show_event)
    with live.step(f"cdk deploy with {shown(stage.environment_file)}"):
        stage.deploy(act.log_and_show_event)
        _say_deployed(act, act.deployed())
    watch = cleanup.enter_context(Watch(live, act.traffic, act.loading))
    with live.step(f"deliver an hour of traffic, then a file every {EVERY:.0f} s; damage two files on purpose"):
        _traffic(act, watch, cleanup)
    with live.step("query the tables with Spark SQL"):
        _ask(act, tables)
    with live.step("add two flow logs in other formats while traffic flows, and run cdk deploy again"):
        _change(act, watch)
        deployment = act.deployed()
    with live.step(f"{'pause' if keep else 'stop'} the traffic and check that every delivered line is in the tables"):
        result = _add_up(act, watch, tables)
    with live.step("run the maintenance job, which rolls up finished hours and compacts the tables"):
        maintain(act)
        result = replace(result, tables={**result.tables, tables.hourly_table: tables.rows(tables.hourly_table)})
    if keep:
        report = write_report(folder.report, act=act, deployed=deployment, account=result, lookups=())
        _say_end(act, result, report)
        return _keep(act, result)
    with live.step("run cdk destroy and check that nothing is left"):
        lookups = _destroy(act)
    report = write_report(folder.report, act=act, deployed=deployment, account=result, lookups=lookups)
    _say_end(act, result, report)
    return 1 if result.differences or any(item.leftover for item in lookups) else 0


def _say_deployed(act: Act, deployment: Deployed) -> None:
    types = counted(len({resource.type for resource in deployment.resources}), "type")
    resources = counted(len(deployment.resources), "resource")
    act.live.say(f"     {resources} of {types}, and the job {deployment.stack} in the workspace\n")
    job = deployment.job
    rows = list(deployment.outputs.items())
    rows += [(f"job: {key}", job[key]) for key in ("run", "granted to", "notifications") if key in job]
    act.live.say(aligned(("output", "value"), rows) + "\n")


def _traffic(act: Act, watch: Watch, cleanup: ExitStack) -> None:
    act.traffic.deliver_hour()
    for damage, minutes in ((damages.cut, 40), (damages.other_file, 10)):
        damaged_delivery = act.traffic.deliver_damaged("VPC", damage, minutes_ago=minutes)
        act.live.say(f"     damaged: {damaged_delivery.name}: {damaged_delivery.damage}")
    cleanup.enter_context(act.traffic.continuously())
    act.mark("continuous traffic starts")
    act.wait(watch, lines(act.traffic.files(), act.traffic.damaged_deliveries))
    act.live.say(f"     {watch.status()}")


def _ask(act: Act, tables: Tables) -> None:
    delivered = manifest(act.traffic.files(), act.traffic.damaged_deliveries)
    damaged = {file.name: file.damage for file in delivered.damaged}
    for text in (
        *(terminal.answer(tables.answer(name, _TOP)) for name in ANSWERS),
        terminal.top_ports(tables.top_ports(_TOP)),
        terminal.quarantine(tables.quarantine(), damaged),
    ):
        act.live.say(f"{text}\n")


def _change(act: Act, watch: Watch) -> None:
    file = act.stage.environment_file
    file.write_text(more_flow_logs(file.read_text(encoding="utf-8")), encoding="utf-8")
    act.live.say(f"     added to {shown(file)}: {SUBNET} with all fields up to version 5 in alphabetical order,")
    act.live.say(f"     and {TRANSIT_GATEWAY} in Parquet")
    act.mark("second cdk deploy")

    def on_line(line: str) -> None:
        act.log_line(line)
        watch.activity = event(line) or watch.activity

    act.stage.deploy(on_line)
    watch.activity = ""
    act.traffic.wait_for(("Subnet", "TransitGateway"))
    damaged_delivery = act.traffic.deliver_damaged("Subnet", damages.bad_lines, minutes_ago=0)
    act.live.say(f"     damaged: {damaged_delivery.name}: {damaged_delivery.damage}")
    act.wait(watch, lines(act.traffic.files(), act.traffic.damaged_deliveries))
    act.live.say(f"     {watch.status()}")


def _add_up(act: Act, watch: Watch, tables: Tables) -> Account:
    act.traffic.stop()
    complete = act.waited(watch, lines(act.traffic.files(), act.traffic.damaged_deliveries))
    watch.stop()
    if not complete:
        act.live.say(f"     some lines are missing. {act.run_in_words()}")
    result = account(act, tables)
    act.live.say(terminal.by_flow_log(result.results) + "\n")
    act.live.say(terminal.check(result.results))
    act.live.say(terminal.skipped(result.results))
    for problem in result.differences:
        act.live.say(f"  DIFFERENCE  {problem}")
    for line in terminal.lag(result.lags, result.restart_lags):
        act.live.say(line)
    return result


def _destroy(act: Act) -> Sequence[Lookup]:
    act.stage.destroy(act.log_and_show_event)
    lookups = remaining(act.stage.aws, act.workspace, Names.of(act.environment))
    act.live.say(terminal.leftovers(lookups))
    leftovers = ", ".join(item.kind for item in lookups if item.leftover)
    act.live.say(f"\nstill there: {leftovers}" if leftovers else "\nonly the bucket and the tables are left")
    return lookups


def _keep(act: Act, result: Account) -> int:
    """Keep the clouds running and the traffic flowing until Ctrl-C."""
    file = write_environment(act.stage)
    act.live.say(
        "\nBoth clouds keep running and traffic continues until Ctrl-C. Try in another terminal, in this folder:\n"
    )
    for command in commands(act.stage, file=file):
        act.live.say(f"  {command}")
    with act.traffic.continuously(), suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
    act.live.say("\nstopping both clouds; the tables and the report stay")
    return 1 if result.differences else 0


def _say_end(act: Act, result: Account, report: Path) -> None:
    total = in_seconds(sum(step.seconds for step in act.live.steps))
    rows = [(name, count, shown(act.folder.tables / name)) for name, count in result.tables.items()]
    act.live.say(f"\nTables after {total}\n")
    act.live.say(aligned(("table", "rows", "where"), rows))
    act.live.say(f"\n  report page  {shown(report)}\n")
    act.live.say(f"Ask the tables:\n\n  {act.query()}\n")
    act.live.say("Next: deploy into your own account. See 'Deploy to your AWS account' in README.md.")


__all__ = ["DemoError", "play"]
