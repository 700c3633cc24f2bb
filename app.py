"""The CDK app: `npx cdk synth -c env=staging`. Which environment it builds says the context key `env`."""

from __future__ import annotations

import sys

import aws_cdk as cdk

from infra.config import EnvironmentFileError, load, warnings_of
from infra.function_code import FunctionCodeError
from infra.stacks import build


def main() -> int:
    """Build the stacks of the environment that is asked for; return the exit status."""
    app = cdk.App()
    name = app.node.try_get_context("env")
    if not name:
        print("Which environment? Say it with -c env=NAME, a name in environments/ or a file's path", file=sys.stderr)
        return 2
    try:
        environment = load(str(name))
    except EnvironmentFileError as error:
        print(error, file=sys.stderr)
        return 2
    for warning in warnings_of(environment):
        print(f"warning: {warning}", file=sys.stderr)
    try:
        build(app, environment)
    except FunctionCodeError as error:
        print(error, file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
