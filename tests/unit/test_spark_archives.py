"""Setup removes the PySpark archives from the venv, so that the modules with bytecode are imported."""

from __future__ import annotations

from pathlib import Path

import pyspark

from tools.spark_archives import leave_out_archives


def test_only_the_archives_are_removed(tmp_path: Path) -> None:
    library = tmp_path / "python" / "lib"
    library.mkdir(parents=True)
    names = ("py4j-0.10-src.zip", "pyspark.zip", "README")
    for name in names:
        (library / name).touch()
    assert [path.name for path in leave_out_archives(tmp_path)] == ["py4j-0.10-src.zip", "pyspark.zip"]
    assert [path.name for path in library.iterdir()] == ["README"]
    assert leave_out_archives(tmp_path) == []


def test_this_venv_has_no_pyspark_archives() -> None:
    assert not list(Path(pyspark.__file__).parent.glob("python/lib/*.zip"))
