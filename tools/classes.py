"""Setup's last step for Spark: an archive of the Java classes that Spark loads. It halves Spark's start time."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from local.laptop.class_archive import archive_file
from tools.progress import SetupError, run, say


def provide_class_archive(root: Path) -> Path | None:
    """Create the archive if it does not exist, and return it.

    Everything works without the archive, so a failure is only reported.
    """
    target = archive_file()
    if target.exists():
        say("archive of Spark's Java classes: already there")
        return target
    say("archive of Spark's Java classes: this takes a minute, and Spark then starts in half the time")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=target.parent) as scratch:
        archive = Path(scratch) / target.name
        try:
            run(
                [sys.executable, "-m", "tools.load_classes", str(archive)],
                cwd=root,
                env=os.environ,
                log=Path(sys.prefix) / "log" / "java-classes.log",
                problem="archive of Spark's Java classes: could not be created; Spark works, but starts more slowly.",
            )
        except SetupError as problem:
            say(str(problem))
            return None
        if not archive.exists():
            say("archive of Spark's Java classes: this Java does not create one; Spark works, but starts more slowly")
            return None
        for older in target.parent.glob("*.jsa"):
            older.unlink()
        archive.replace(target)
    return target
