"""The syntax of the command lines of the entry points: ``--name=value`` or ``--name value``."""

from __future__ import annotations

from collections.abc import Sequence


def arguments_of(
    arguments: Sequence[str],
    *,
    required: Sequence[str],
    optional: Sequence[str],
    flags: Sequence[str] = (),
) -> tuple[dict[str, str], list[str]]:
    """Return the argument values by name, and the problems with the syntax of the arguments.

    Args:
        arguments: The command-line arguments.
        required: The names that must be given.
        optional: The other valid names.
        flags: The optional names that need no value; without one, their value is ``true``.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    given: set[str] = set()
    last = ""
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if last and not argument.startswith("--"):
            words = [argument]
            while waiting and not waiting[0].startswith("--"):
                words.append(waiting.pop(0))
            problems.append(_extra_words(last, words))
            continue
        name, has_value, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or name not in (*required, *optional):
            allowed = ", ".join(f"--{known}" for known in (*required, *optional))
            problems.append(f"{argument!r} is not a valid parameter; valid parameters are: {allowed}")
            if argument.startswith("--") and not has_value and waiting and not waiting[0].startswith("--"):
                waiting.pop(0)  # its value
            last = ""
            continue
        if name in given:
            problems.append(f"--{name} is given more than once")
        given.add(name)
        last = name
        if not has_value and (not waiting or waiting[0].startswith("--")):
            if name in flags:
                values[name] = "true"
                continue
            problems.append(f"--{name} has no value; use --{name}=...")
        else:
            values[name] = (value if has_value else waiting.pop(0)).strip()
    problems += [f"--{name} is missing" for name in required if name not in given]
    return values, problems


def _extra_words(name: str, words: Sequence[str]) -> str:
    """Return the problem with extra words after a value, such as the file names to which a shell expands a pattern."""
    shown = ", ".join(map(repr, words[:2])) + (f" and {len(words) - 2} more" if len(words) > 2 else "")
    return (
        f"--{name} has more than one value, also {shown}; quote a value that has wildcards or spaces; otherwise, the "
        f"shell splits or expands it: --{name} '...'"
    )
