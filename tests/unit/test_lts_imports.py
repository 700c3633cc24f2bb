"""The venv of `make test-lts` has every package that its tests import. It has neither the CDK nor a cloud SDK."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = packages_distributions()
LOCKED = {*re.findall(r"^([\w-]+)==", (ROOT / "requirements-lts.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)}
MARKED = [test for test in ROOT.glob("tests/*/**/test_*.py") if "pytest.mark.lts" in test.read_text(encoding="utf-8")]
READ = {*MARKED, *(conftest for test in MARKED for parent in test.parents for conftest in parent.glob("conftest.py"))}


def imported(path: Path) -> Iterator[str]:
    """Yield the names that a file imports as soon as it is imported; a name in a module may be a module, too."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_files(name: str) -> list[Path]:
    """Return the files of this repository that are read to import a name: packages, and the module itself."""
    parts = name.split(".")
    paths = [folder.joinpath(*parts[:end]) for folder in (ROOT, ROOT / "job") for end in range(1, len(parts) + 1)]
    files = [file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py")]
    return [file for file in files if file.is_file()]


def is_installed(name: str) -> bool:
    package = name.partition(".")[0]
    locked = any(distribution.lower().replace("_", "-") in LOCKED for distribution in DISTRIBUTIONS.get(package, []))
    return locked or package in sys.stdlib_module_names


def test_the_modules_that_test_lts_reads_import_only_packages_of_its_venv():
    files, waiting, missing = {*READ}, [*READ], []
    while waiting:
        path = waiting.pop()
        for name in imported(path):
            new = {*own_files(name)} - files
            files |= new
            waiting += new
            if not own_files(name) and not is_installed(name):
                missing.append(f"{path.relative_to(ROOT)} imports {name}")
    assert len(files) > 100
    assert missing == []
