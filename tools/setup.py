"""The steps of setup that run in the venv: Java, the jars of Delta Lake and S3, the function's packages, and CDK.

    .venv/bin/python -m tools.setup              all steps, for `make setup`
    .venv-lts/bin/python -m tools.setup --lts    only Java and the Delta Lake jars, for `make test-lts`

A step that finds its work done does nothing. To add a step, add a module next to this one and a line in :func:`main`.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from tools.jars import provide_jars, provide_s3_jars
from tools.java import provide_java
from tools.progress import SetupError, say
from tools.spark_archives import leave_out_archives

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run the steps; return the exit status."""
    lts = "--lts" in arguments
    try:
        java_home = provide_java()
        leave_out_archives()
        provide_jars(ROOT, java_home)
        if not lts:
            from tools.classes import provide_class_archive  # noqa: PLC0415
            from tools.function_packages import provide_function_packages  # noqa: PLC0415
            from tools.node import provide_cdk  # noqa: PLC0415 - .venv-lts has no Node

            provide_s3_jars(ROOT, java_home)
            provide_class_archive(ROOT)
            provide_function_packages(ROOT)
            provide_cdk(ROOT)
    except SetupError as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    venv = Path(sys.prefix).name
    spark, delta = version("pyspark"), version("delta-spark")
    say(f"ready: {venv} (Spark {spark}, Delta Lake {delta})" + ("" if lts else " and node_modules (CDK CLI)"))
    if not lts:
        say("next: make demo or make test; make help lists all targets")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
