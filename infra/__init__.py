"""Infrastructure code: turns one environment file into CloudFormation stacks and reviewable IAM documents."""

import os
from pathlib import Path

# CDK libraries run on Node. Use the Node that set-up installed, whatever is on the machine. The libraries read this
# variable when they are first imported, so the package itself must set it.
_NODE = Path(__file__).resolve().parent.parent / "node_modules" / ".bin" / "node"
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
