"""The CDK app: `make synth ENV=staging`. The `env` context key selects the environment.

The `for` context key names the purpose of the synthesis. With `deploy`, a file that still has example values is
rejected; otherwise the app prints a warning.
"""

from __future__ import annotations

import sys

import infra  # noqa: F401 - first, because it sets the variables that CDK reads when it is imported

# isort: split

import aws_cdk as cdk

from infra.assets.function_zip import FunctionCodeError
from infra.config import Environment, EnvironmentFileError, load, refuse_examples, warnings_of
from infra.environment import examples
from infra.interruption import interruptible
from infra.stacks import build
from vpc_flow_logs.terminal import printable


def main() -> int:
    """Build the stacks of the selected environment; return the exit status."""
    app = cdk.App()
    name = app.node.try_get_context("env")
    if not name:
        print("No environment selected. Add -c env=NAME: a name in environments/, or a file's path", file=sys.stderr)
        return 2
    try:
        environment = _environment(str(name), deploying=app.node.try_get_context("for") == "deploy")
    except EnvironmentFileError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        build(app, environment)
    except FunctionCodeError as error:
        print(error, file=sys.stderr)
        return 1
    app.synth()
    return 0


def _environment(name: str, *, deploying: bool) -> Environment:
    """Load the environment and print its warnings; return its settings."""
    environment = load(name)
    if deploying:
        refuse_examples(environment, name)
    problems = examples.example_values(environment)
    for warning in [*warnings_of(environment), *([examples.warning(problems)] if problems else [])]:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    return environment


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
