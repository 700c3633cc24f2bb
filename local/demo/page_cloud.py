"""The page's sections on the clouds: what was deployed, what is left of it, how long it took, with which versions."""

from __future__ import annotations

from itertools import groupby

from local.demo.charts import bar
from local.demo.html import Content, Html, element
from local.demo.page_parts import facts, folded, mono, number, panel, table
from local.demo.report import Report
from local.demo.text import in_seconds
from vpc_flow_logs.progress import counted


def deployed(report: Report) -> Html:
    """The stack, its outputs, the job, and what the job made by itself."""
    stack = report.deployed
    resources = sorted(stack.resources, key=lambda one: (one.type, one.logical_id))
    kinds: list[list[Content]] = [
        [kind, len(list(of_kind))] for kind, of_kind in groupby(resources, key=lambda one: one.type)
    ]
    rows: list[list[Content]] = [[one.type, mono(one.logical_id), mono(one.physical_id)] for one in resources]
    return panel(
        "What was deployed",
        element(
            "div",
            element("div", element("h3", "Outputs of the stack"), facts(_mono(stack.outputs))),
            element(
                "div",
                element("h3", "The job in the workspace"),
                facts(_mono(stack.job)),
                [element("h3", "Made by the job's role"), facts(_mono(stack.made))] if stack.made else None,
            ),
            class_="pair",
        ),
        folded(
            f"{counted(len(resources), 'resource')} of {counted(len(kinds), 'type')}",
            table(("type", "how many"), kinds),
        ),
        folded("Each resource", table(("type", "logical id", "physical id"), rows)),
        note=f"{stack.stack} from {stack.environment}, by the CDK command line.",
    )


def _mono(named: object) -> dict[str, Content]:
    assert hasattr(named, "items")
    return {name: mono(value) for name, value in named.items()}


def gone(report: Report) -> Html:
    """What was looked for after cdk destroy."""
    rows: list[list[Content]] = [
        [
            one.what,
            mono(one.name),
            element("span", one.found, class_="bad") if one.found else element("span", "none", class_="good"),
        ]
        for one in report.gone
    ]
    left = sum(bool(one.found) for one in report.gone)
    told = "nothing is left" if not left else f"{left} left"
    return panel(
        f"After cdk destroy: {told}",
        table(("looked for", "name", "found"), rows),
        note="Bucket, logs and tables stay: they are data.",
    )


def steps(report: Report) -> Html:
    """How long each step took."""
    longest = max((step.seconds for step in report.steps), default=0.0)
    total = sum(step.seconds for step in report.steps)
    rows: list[list[Content]] = [
        [
            step.name,
            bar((step.seconds,), of=longest, classes=("time",)),
            number(in_seconds(step.seconds)),
        ]
        for step in report.steps
    ]
    return panel("How long it took", table(("step", "", "time"), rows), note=f"{in_seconds(total)} in all.")


def versions(report: Report) -> Html:
    """With what it ran, and where."""
    told = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return element(
        "footer",
        element("p", f"Ran with {told}." if told else None),
        element(
            "p",
            "Both clouds were stand-ins on one machine: what is shown is what this product did there. The traffic is "
            "made up; its addresses are from ranges for documentation, benchmarks and private networks.",
        ),
    )
