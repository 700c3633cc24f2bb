"""Functions on the stage run with the stage's Python, even if their zip has machine code for another Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local.aws import inside


def test_machine_code_comes_from_the_stages_packages_and_all_other_code_from_the_zip(tmp_path: Path) -> None:
    for name in ("cryptography", "databricks"):
        (tmp_path / name).mkdir()
    (tmp_path / "cryptography" / "__init__.py").write_text("raise ImportError('for another Python')")
    (tmp_path / "databricks" / "__init__.py").write_text("")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import databricks, cryptography.hazmat.bindings._rust as rust\n"
        "print(databricks.__file__, rust.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(inside.__file__).parent / "functions")}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    package, machine_code = result.stdout.split()
    assert Path(package).is_relative_to(tmp_path)
    assert not Path(machine_code).is_relative_to(tmp_path)
