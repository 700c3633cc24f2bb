"""Set-up leaves PySpark in the venv once: as modules with bytecode, not as an archive before them."""

from __future__ import annotations

from pathlib import Path

import pyspark

from tools.spark_archives import leave_out_archives


def test_the_archives_go_and_nothing_else(tmp_path: Path) -> None:
    library = tmp_path / "python" / "lib"
    library.mkdir(parents=True)
    names = ("py4j-0.10-src.zip", "pyspark.zip", "README")
    for name in names:
        (library / name).touch()
    assert [path.name for path in leave_out_archives(tmp_path)] == ["py4j-0.10-src.zip", "pyspark.zip"]
    assert [path.name for path in library.iterdir()] == ["README"]
    assert leave_out_archives(tmp_path) == []


def test_set_up_has_done_so_in_this_venv() -> None:
    assert not list(Path(pyspark.__file__).parent.glob("python/lib/*.zip"))
