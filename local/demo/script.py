"""The demo from its first step to its last: two clouds, a deploy, traffic, questions, a change, the sums, a destroy."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from local.demo import damages, terminal
from local.demo.change import SUBNET, TRANSIT_GATEWAY, more_flow_logs
from local.demo.context import Act, DemoError
from local.demo.folder import Folder
from local.demo.leftovers import Names, left
from local.demo.live import Live
from local.demo.manifest import manifest
from local.demo.reconciliation import Account, account
from local.demo.report import Deployed, Gone
from local.demo.report_page import write_report
from local.demo.tables import Tables
from local.demo.text import aligned, in_seconds, shown
from local.demo.traffic import EVERY, lines
from local.demo.watch import Watch
from local.stage.by_hand import commands, write_environment
from local.stage.cdk import event
from local.stage.composed import embedded
from vpc_flow_logs.progress import counted

STEPS = 8
_TOP = 5


def play(folder: Folder, live: Live, *, seed: int, records: int, keep: bool) -> int:
    """Run the demo in an empty folder; the exit status: 1 when the tables differ from what was delivered, or something
    is left after the destroy.

    Raises:
        DemoError, CdkError, SqlError, NotStarted: a step failed.
    """
    with _deaf_at_the_end() as deaf, ExitStack() as ends:
        try:
            return _play(folder, live, ends, seed=seed, records=records, keep=keep)
        finally:
            deaf()


@contextmanager
def _deaf_at_the_end() -> Iterator[Callable[[], None]]:
    """What to call when everything is being ended: another Ctrl-C would only leave a part of it. It holds until the
    block ends.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def deaf() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    try:
        yield deaf
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _play(folder: Folder, live: Live, ends: ExitStack, *, seed: int, records: int, keep: bool) -> int:
    with live.step("two clouds on this machine: AWS that enforces IAM, a Databricks workspace"):
        stage = ends.enter_context(embedded(folder.stage))
        # It starts while other things happen.
        sql = ends.enter_context(stage.sql())
        act = Act(folder, live, stage, seed=seed, records=records)
        tables = Tables(sql, act.table)
        live.say(f"     AWS at {stage.aws.url}, workspace at {stage.workspace.host}")
    with live.step("cdk bootstrap"):
        stage.bootstrap(act.tell_cdk)
    with live.step(f"cdk deploy of {shown(stage.environment_file)}"):
        stage.deploy(act.tell_cdk)
        _say_deployed(act, act.deployed())
    watch = ends.enter_context(Watch(live, act.traffic, act.loading))
    with live.step(f"an hour of traffic, then a file every {EVERY:.0f} s; two files are damaged on purpose"):
        _traffic(act, watch, ends)
    with live.step("questions, with Spark SQL"):
        _ask(act, tables)
    with live.step("a change while traffic flows: two more flow logs in other formats, cdk deploy again"):
        _change(act, watch)
        made = act.deployed()
    if keep:
        with live.step("is every line that was delivered until now there?"):
            found = _add_up(act, watch, tables)
        report = write_report(folder.report, act=act, made=made, account=found, gone=())
        _say_end(act, found, report)
        return _keep(act, found)
    with live.step("the end of the traffic: is every delivered line there?"):
        found = _add_up(act, watch, tables)
    with live.step("cdk destroy, and a look at what is left"):
        gone = _destroy(act)
    report = write_report(folder.report, act=act, made=made, account=found, gone=gone)
    _say_end(act, found, report)
    return 1 if found.differences or any(one.found for one in gone) else 0


def _say_deployed(act: Act, made: Deployed) -> None:
    kinds = counted(len({one.type for one in made.resources}), "type")
    resources = counted(len(made.resources), "resource")
    act.live.say(f"     {resources} of {kinds}, and in the workspace the job {made.stack}\n")
    told = list(made.outputs.items())
    told += [(f"job: {key}", made.job[key]) for key in ("run", "granted to", "notifications") if key in made.job]
    act.live.say(aligned(("output", ""), told) + "\n")


def _traffic(act: Act, watch: Watch, ends: ExitStack) -> None:
    act.traffic.deliver_hour()
    for damage, minutes in ((damages.cut, 40), (damages.other_file, 10)):
        spoiled = act.traffic.spoil("VPC", damage, minutes_ago=minutes)
        act.live.say(f"     damaged: {spoiled.name}: {spoiled.done}")
    ends.enter_context(act.traffic.going_on())
    act.mark("traffic goes on")
    act.wait(watch, lines(act.traffic.files(), act.traffic.spoiled))
    act.live.say(f"     {watch.told()}")


def _ask(act: Act, tables: Tables) -> None:
    delivered = manifest(act.traffic.files(), act.traffic.spoiled)
    damaged = {file.name: file.done for file in delivered.damaged}
    for answer in (
        terminal.top_talkers(tables.top_talkers(_TOP)),
        terminal.top_ports(tables.top_ports(_TOP)),
        terminal.rejected(tables.rejected_sources(_TOP)),
        terminal.quarantine(tables.quarantine(), damaged),
    ):
        act.live.say(f"{answer}\n")


def _change(act: Act, watch: Watch) -> None:
    file = act.stage.environment_file
    file.write_text(more_flow_logs(file.read_text(encoding="utf-8")), encoding="utf-8")
    act.live.say(f"     added to {shown(file)}: {SUBNET}, all fields of version 5 in alphabetical order,")
    act.live.say(f"     and {TRANSIT_GATEWAY}, in Parquet")
    act.mark("cdk deploy again")

    def tell(line: str) -> None:
        act.keep_line(line)
        watch.doing = event(line) or watch.doing

    act.stage.deploy(tell)
    watch.doing = ""
    act.traffic.wait_for(("Subnet", "TransitGateway"))
    spoiled = act.traffic.spoil("Subnet", damages.bad_lines, minutes_ago=0)
    act.live.say(f"     damaged: {spoiled.name}: {spoiled.done}")
    act.wait(watch, lines(act.traffic.files(), act.traffic.spoiled))
    act.live.say(f"     {watch.told()}")


def _add_up(act: Act, watch: Watch, tables: Tables) -> Account:
    act.traffic.stop()
    there = act.waited(watch, lines(act.traffic.files(), act.traffic.spoiled))
    watch.stop()
    if not there:
        act.live.say(f"     not all lines came. {act.run_in_words()}")
    found = account(act, tables)
    act.live.say(terminal.by_flow_log(found.results) + "\n")
    act.live.say(terminal.check(found.results))
    act.live.say(terminal.skipped(found.results))
    for problem in found.differences:
        act.live.say(f"  DIFFERENCE  {problem}")
    for line in terminal.lag(found.lags, found.restart_lags):
        act.live.say(line)
    return found


def _destroy(act: Act) -> Sequence[Gone]:
    act.stage.destroy(act.tell_cdk)
    found = left(act.stage.aws, act.workspace, Names.of(act.environment))
    act.live.say(terminal.gone(found))
    still = [one for one in found if one.found]
    act.live.say(
        f"\nleft: {counted(len(still), 'thing')}" if still else "\nnothing is left but the bucket and the tables"
    )
    return found


def _keep(act: Act, found: Account) -> int:
    """Let traffic go on until Ctrl-C."""
    file = write_environment(act.stage)
    act.live.say("\nBoth clouds go on, and traffic too, until Ctrl-C. In another terminal, in this folder:\n")
    for command in commands(act.stage, file=file):
        act.live.say(f"  {command}")
    with act.traffic.going_on(), suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
    act.live.say("\nending both clouds; the tables and the report stay")
    return 1 if found.differences else 0


def _say_end(act: Act, found: Account, report: Path) -> None:
    total = in_seconds(sum(step.seconds for step in act.live.steps))
    rows = [(name, count, shown(act.folder.tables / name)) for name, count in found.tables.items()]
    act.live.say(f"\nWhat is there now, after {total}\n")
    act.live.say(aligned(("table", "rows", "where"), rows))
    act.live.say(f"\n  report page  {shown(report)}\n")
    act.live.say(f"Query the tables:\n\n  {act.query()}\n")
    act.live.say("Next: your own account. README.md says how, under 'Into your AWS account'.")


__all__ = ["DemoError", "play"]
