"""The environment file: found by name or path, read, checked as a whole.

environment = load("staging")               # environments/staging.toml
environment = load("elsewhere/mine.toml")   # the environment is then named `mine`
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from infra.environment.examples import example_values
from infra.environment.problems import EnvironmentFileError, Problem
from infra.environment.rules import problems_of, warnings_of
from infra.environment.schema import Environment, EnvironmentFile
from infra.environment.secrets import secrets_in, without_secrets
from infra.environment.validation import read
from infra.iam import size_limit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ENVIRONMENTS", "Environment", "EnvironmentFileError", "load", "warnings_of"]

ENVIRONMENTS = Path(__file__).resolve().parent.parent / "environments"
"""Where the files are that are asked for by name."""

# Role and function names have 64 characters at most; the longest has 33 beside the environment's name.
_NAME = re.compile("[A-Za-z][A-Za-z0-9-]{0,29}")


def load(name: str, *, folder: Path = ENVIRONMENTS) -> Environment:
    """The environment of a name in ``folder``, or of a path to a file.

    Raises:
        EnvironmentFileError: there is no such file, or it has problems; its text says all of them.
    """
    path = _path(name, folder)
    text = _text(path)
    raw, problems = _tables(text)
    problems += secrets_in(text, raw)
    if _NAME.fullmatch(path.stem) is None:
        problems.append(
            Problem("", f"{path.stem!r} cannot name stacks: at most 30 letters, digits and hyphens, a letter first")
        )
    if raw is None:
        raise EnvironmentFileError(_spoken(path), problems)
    file, found = read(EnvironmentFile, raw)
    environment = _named(file, path.stem)
    known = {problem.key for problem in problems}
    problems += [problem for problem in found if problem.key not in known]
    problems += problems_of(environment, wrong=[problem.key for problem in problems], also=[size_limit.CHECK])
    if problems:
        raise EnvironmentFileError(_spoken(path), problems)
    return environment


def _named(file: EnvironmentFile, name: str) -> Environment:
    """Return the settings of a file with its name, and the names that follow from it where the file has none."""
    sections = dict(file)
    reader = sections.get("reader")
    # A key with a problem is missing; an empty text is the default.
    if reader is not None and getattr(reader, "role_name", None) == "":
        sections["reader"] = reader.model_copy(update={"role_name": f"flow-log-reader-{name}"})
    return Environment.model_construct(name=name, **sections)


def refuse_examples(environment: Environment, name: str) -> None:
    """Refuse to deploy a file that still has values of an example: they belong to nobody, or to somebody else.

    Raises:
        EnvironmentFileError: it has some; its text names all of them.
    """
    if left := example_values(environment):
        raise EnvironmentFileError(_spoken(_path(name, ENVIRONMENTS)), left)


def _path(name: str, folder: Path) -> Path:
    if "/" in name or name.endswith(".toml"):
        path = Path(name)
        there = (
            "this is a folder; name a file in it" if path.is_dir() else "this is not a regular file; name a TOML file"
        )
        advice = there if path.exists() else "there is no such file"
    else:
        path = folder / f"{name}.toml"
        there = ", ".join(sorted(file.stem for file in folder.glob("*.toml"))) or "nothing"
        advice = f"there is no such file; {folder.name}/ has {there}, and a path to a file is fine too"
    if not path.is_file():
        raise EnvironmentFileError(_spoken(path), [Problem("", advice)])
    return path


def _text(path: Path) -> str:
    try:
        # Some editors begin a file with a byte order mark.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem("", f"is not UTF-8 text (byte {error.start + 1}), as TOML has to be")
    except OSError as error:
        problem = Problem("", f"cannot be read: {error.strerror}")
    raise EnvironmentFileError(_spoken(path), [problem])


def _tables(text: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    try:
        return tomllib.loads(text), []
    except tomllib.TOMLDecodeError as error:
        return None, [Problem("", f"is not valid TOML: {_reason(error)}")]
    except (ValueError, RecursionError):
        return None, [Problem("", "is not TOML that can be read: a number of thousands of digits, or arrays too deep")]


def _reason(error: Exception) -> str:
    """The parser's reason, its tuples of names as the file has them and what it says of doubles in plain words."""
    text = without_secrets(str(error)).replace("Cannot overwrite a value", "A key is there twice")
    if text.startswith("Invalid value"):
        text += '; a text needs quotes, as in region = "us-east-1"'
    return re.sub(r"\('([^)]*)'(?:,)?\)", lambda match: f"[{match[1].replace(chr(39) + ', ' + chr(39), '.')}]", text)


def _spoken(path: Path) -> str:
    """The path as a person would type it here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
