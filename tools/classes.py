"""Set-up's last step for Spark: an archive of the classes that it loads, so that it starts in half the time."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from local.laptop.class_archive import archive_file
from tools.progress import SetupError, run, say


def provide_class_archive(root: Path) -> Path | None:
    """Make the archive, unless it is there; return it. Without it everything works, so a failure is only told."""
    target = archive_file()
    if target.exists():
        say("archive of Spark's Java classes: already there")
        return target
    say("archive of Spark's Java classes: Spark works for a minute, to start in half the time from then on")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=target.parent) as scratch:
        made = Path(scratch) / target.name
        try:
            run(
                [sys.executable, "-m", "tools.load_classes", str(made)],
                cwd=root,
                env=os.environ,
                log=Path(sys.prefix) / "log" / "java-classes.log",
                problem="no archive of Spark's Java classes: Spark starts as slowly as ever.",
            )
        except SetupError as problem:
            say(str(problem))
            return None
        if not made.exists():
            say("this Java makes no archive of classes: Spark starts as slowly as ever")
            return None
        for older in target.parent.glob("*.jsa"):
            older.unlink()
        made.replace(target)
    return target
