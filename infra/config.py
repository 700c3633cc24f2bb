"""Load an environment file by name or path, and check the whole file.

environment = load("staging")               # environments/staging.toml
environment = load("elsewhere/mine.toml")   # the environment's name is `mine`
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from infra.environment.cautions import warnings_of
from infra.environment.examples import example_values
from infra.environment.problems import EnvironmentFileError, Problem
from infra.environment.rules import problems_of
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
"""Folder of the environment files that are selected by name."""

# Role and function names have at most 64 characters, and the longest uses 33 in addition to the environment's name.
_NAME = re.compile("[A-Za-z][A-Za-z0-9-]{0,29}")


def load(name: str, *, folder: Path = ENVIRONMENTS) -> Environment:
    """Return the environment with a name in ``folder``, or the environment in the file at a path.

    Args:
        name: A name in ``folder``, or a path: anything with a slash or with ``.toml`` at its end.
        folder: The folder of the files that are selected by name.

    Raises:
        EnvironmentFileError: The file does not exist or has problems. The text lists all of them.
    """
    path = _path(name, folder)
    text = _text(path)
    raw, problems = _tables(text)
    problems += secrets_in(text, raw)
    if _NAME.fullmatch(path.stem) is None:
        problems.append(
            Problem(
                "",
                f"{path.stem!r} is not a valid environment name: use at most 30 letters, digits and hyphens, beginning "
                "with a letter",
            )
        )
    if raw is None:
        raise EnvironmentFileError(_display(path), problems)
    file, value_problems = read(EnvironmentFile, raw)
    environment = _with_name(file, path.stem)
    known = {problem.key for problem in problems}
    problems += [problem for problem in value_problems if problem.key not in known]
    problems += problems_of(environment, wrong=[problem.key for problem in problems], also=[size_limit.CHECK])
    if problems:
        warnings = warnings_of(environment, wrong=[problem.key for problem in problems])
        raise EnvironmentFileError(_display(path), problems, warnings=warnings)
    return environment


def _with_name(file: EnvironmentFile, name: str) -> Environment:
    """Return the settings of a file with the environment's name, and with a role name if the file has none."""
    sections = dict(file)
    reader = sections.get("reader")
    # A table or key with a problem is missing. The default of the role name is an empty string.
    if reader is not None and getattr(reader, "role_name", None) == "":
        sections["reader"] = reader.model_copy(update={"role_name": f"flow-log-reader-{name}"})
    return Environment.model_construct(name=name, **sections)


def refuse_examples(environment: Environment, name: str) -> None:
    """Raise an error if a file to deploy still has example values, which belong to no one or to someone else.

    Raises:
        EnvironmentFileError: The file has example values. The text lists all of them.
    """
    if problems := example_values(environment):
        path = _path(name, ENVIRONMENTS)
        raise EnvironmentFileError(_display(path), problems, warnings=warnings_of(environment))


def _path(name: str, folder: Path) -> Path:
    if "/" in name or name.endswith(".toml"):
        path = Path(name)
        other = "is a folder; name a file in it" if path.is_dir() else "is not a regular file; name a TOML file"
        advice = other if path.exists() else "the file does not exist"
    else:
        path = folder / f"{name}.toml"
        existing = ", ".join(sorted(file.stem for file in folder.glob("*.toml"))) or "no files"
        advice = f"the file does not exist; {folder.name}/ has {existing}. You can also name a file by its path"
    if not path.is_file():
        raise EnvironmentFileError(_display(path), [Problem("", advice)])
    return path


def _text(path: Path) -> str:
    try:
        # Some editors write a byte order mark at the start of a file.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem("", f"is not valid UTF-8 (byte {error.start + 1}), which TOML requires")
    except OSError as error:
        problem = Problem("", f"cannot be read: {error.strerror}")
    raise EnvironmentFileError(_display(path), [problem])


def _tables(text: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    try:
        return tomllib.loads(text), []
    except tomllib.TOMLDecodeError as error:
        return None, [Problem("", f"is not valid TOML: {_reason(error)}")]
    except (ValueError, RecursionError):
        return None, [
            Problem("", "cannot be parsed: a number has thousands of digits, or arrays are nested too deeply")
        ]


def _reason(error: Exception) -> str:
    """Return the parser's reason in plain words, with names as the file writes them instead of tuples."""
    text = without_secrets(str(error)).replace("Cannot overwrite a value", "A key is defined twice")
    if text.startswith("Invalid value"):
        text += '; a string needs quotes, as in region = "us-east-1"'
    return re.sub(r"\('([^)]*)'(?:,)?\)", lambda match: f"[{match[1].replace(chr(39) + ', ' + chr(39), '.')}]", text)


def _display(path: Path) -> str:
    """Return the path relative to the current directory if it is below it, and unchanged otherwise."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
