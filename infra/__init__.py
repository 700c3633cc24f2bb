"""The AWS half: one environment file in, CloudFormation stacks and reviewable IAM documents out."""

import os
from pathlib import Path

_MODULES = Path(__file__).resolve().parent.parent / "node_modules"
_NODE = _MODULES / ".bin" / "node"
# CDK's libraries read these variables when they are first imported, so only the package itself can set them.
if _NODE.exists():
    # The Node that setup installed, whether or not the machine has another one.
    os.environ.setdefault("JSII_NODE", str(_NODE))
if os.access(_MODULES, os.W_OK):
    # Unpack aws-cdk-lib once per checkout. The default is once per home folder, which costs seconds in a new one.
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(_MODULES / ".cache" / "jsii"))
