"""The page sections on the clouds: deployed resources, leftovers, the time per step, versions."""

from __future__ import annotations

from itertools import groupby

from local.demo.charts import bar
from local.demo.html import Content, Html, element
from local.demo.page_parts import facts, folded, mono, number, panel, table
from local.demo.report import Report
from local.demo.text import in_seconds
from vpc_flow_logs.progress import counted


def deployed(report: Report) -> Html:
    """Return the section on the stack, its outputs, the job, and the resources that the job created."""
    stack = report.deployed
    resources = sorted(stack.resources, key=lambda resource: (resource.type, resource.logical_id))
    types: list[list[Content]] = [
        [type_, len(list(of_type))] for type_, of_type in groupby(resources, key=lambda resource: resource.type)
    ]
    rows: list[list[Content]] = [
        [resource.type, mono(resource.logical_id), mono(resource.physical_id)] for resource in resources
    ]
    return panel(
        "Deployed resources",
        element(
            "div",
            element("div", element("h3", "Stack outputs"), facts(_mono(stack.outputs))),
            element(
                "div",
                element("h3", "Job in the workspace"),
                facts(_mono(stack.job)),
                [element("h3", "Created with the job's role"), facts(_mono(stack.auto_loader))]
                if stack.auto_loader
                else None,
            ),
            class_="pair",
        ),
        folded(
            f"{counted(len(resources), 'resource')} of {counted(len(types), 'type')}",
            table(("type", "count"), types),
        ),
        folded("All resources", table(("type", "logical ID", "physical ID"), rows)),
        note=f"{stack.stack}, deployed from {stack.environment} with the CDK command line.",
    )


def _mono(named: object) -> dict[str, Content]:
    assert hasattr(named, "items")
    return {name: mono(value) for name, value in named.items()}


def leftovers(report: Report) -> Html:
    """Return the section on the resources that were looked up after cdk destroy."""
    rows: list[list[Content]] = [
        [
            item.kind,
            mono(item.name),
            element("span", item.leftover, class_="bad") if item.leftover else element("span", "none", class_="good"),
        ]
        for item in report.lookups
    ]
    left = sum(bool(item.leftover) for item in report.lookups)
    result = "nothing is left" if not left else f"{left} left"
    return panel(
        f"After cdk destroy: {result}",
        table(("looked up", "name", "found"), rows),
        note="The bucket, the logs and the tables stay because they are data.",
    )


def steps(report: Report) -> Html:
    """Return the section on the time of each step."""
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
    return panel("Time per step", table(("step", "", "time"), rows), note=f"{in_seconds(total)} in total.")


def versions(report: Report) -> Html:
    """Return the footer: versions, and the limits of the demo."""
    packages = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return element(
        "footer",
        element("p", f"Versions: {packages}." if packages else None),
        element(
            "p",
            "Both clouds were stand-ins on one machine; this page shows the results of the product there. The traffic "
            "is generated. Its addresses are from the ranges for documentation, benchmarks and private networks.",
        ),
    )
