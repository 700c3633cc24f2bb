"""What is built in AWS: one environment file in, CloudFormation stacks and reviewable IAM documents out."""

import os
from pathlib import Path

# CDK's libraries run on Node: on the one that set-up brought, whatever the machine has or has not. They are told by
# this variable when they are first imported, so nothing later than the package itself can set it.
_NODE = Path(__file__).resolve().parent.parent / "node_modules" / ".bin" / "node"
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
