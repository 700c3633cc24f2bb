"""The IAM of an environment as files that a reviewer reads without an account.

    python -m infra.review --env staging                 write review/staging/
    python -m infra.review --env staging --check         fail when the committed files are not those of the code
    python -m infra.review --env staging --against DIR   what became wider and narrower since DIR; fail if wider

Without ``--env``: every environment that has files in ``review/``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra import access, names
from infra.config import Environment, EnvironmentFileError, load, warnings_of
from infra.function_code import FunctionCodeError
from infra.policies import Policy
from infra.review_page import HEADING, page
from infra.template_documents import documents_of, readable
from infra.widening import Change, changes

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "review"
"""Where the committed files are, a folder an environment."""


class UnattachedPolicy(Exception):
    """A reviewed document is in no template: a mistake of this code."""


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit status: 1 for stale or wider, 2 for what cannot be done."""
    options = _options(arguments)
    environments = [options.env] if options.env else sorted(path.name for path in FOLDER.glob("*") if path.is_dir())
    try:
        return max((_one(load(name), options) for name in environments), default=0)
    except (EnvironmentFileError, FunctionCodeError) as error:
        print(error, file=sys.stderr)
        return 2


def review(environment: Environment) -> dict[str, str]:
    """The files of an environment's review, by name."""
    policies = access.policies(environment)
    made_by_cdk = _made_by_cdk(environment, policies)
    files = {policy.file: _json(policy.document) for policy in policies}
    files |= {file: _json(document) for file, document in made_by_cdk.items()}
    return {**files, "README.md": page(environment.name, policies, sorted(made_by_cdk))}


def templates(environment: Environment) -> list[tuple[dict[str, Any], str, str]]:
    """The environment's templates, synthesized offline, each with its account and region."""
    from aws_cdk import App  # noqa: PLC0415 - Node starts with it, which a mistake in the file need not wait for

    from infra.stacks import build  # noqa: PLC0415

    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory(prefix="review-") as folder:
        app = App(context=context, outdir=folder)
        build(app, environment)
        stacks = app.synth().stacks
        return [(stack.template, stack.environment.account, stack.environment.region) for stack in stacks]


def _made_by_cdk(environment: Environment, policies: Sequence[Policy]) -> dict[str, dict[str, Any]]:
    """Documents of the templates that are not ours, after a look that ours are all there.

    Raises:
        UnattachedPolicy: a document of ours that no template carries, other than those to add by hand.
    """
    found = [
        (f"cdk-{readable(found.logical_id)}-{readable(found.kind)}.json", found.document)
        for template, account, region in templates(environment)
        for found in documents_of(template, account=account, region=region, partition=names.partition(region))
    ]
    attached = {_json(document) for _, document in found}
    ours = {policy.file: _json(policy.document) for policy in policies}
    missing = sorted({file for file, text in ours.items() if text not in attached} - _by_hand(environment))
    if missing:
        raise UnattachedPolicy(f"{environment.name}: no template has {', '.join(missing)}")
    return {file: document for file, document in found if _json(document) not in ours.values()}


def _by_hand(environment: Environment) -> set[str]:
    """The files of documents that no stack can attach."""
    files = {"kms-key-policy.json"}
    if environment.log_bucket.existing:
        files |= {"log-bucket-policy.json", "log-bucket-policy-before-deploy.json"}
    return files


def _one(environment: Environment, options: argparse.Namespace) -> int:
    for warning in warnings_of(environment):
        print(f"{environment.name}: warning: {warning}", file=sys.stderr)
    folder: Path = options.output or FOLDER / environment.name
    files = review(environment)
    if options.against:
        return _compare(environment, files, options.against)
    if options.check:
        return _check(environment, files, folder)
    if not _ours(folder):
        print(f"{_spoken(folder)} holds other files than a review; name an empty or a new folder", file=sys.stderr)
        return 2
    _write(files, folder)
    print(f"{environment.name}: {len(files)} files in {_spoken(folder)}/, beginning with README.md")
    return 0


def _write(files: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    for left_over in _there(folder) - set(files):
        (folder / left_over).unlink()


def _ours(folder: Path) -> bool:
    """Whether a folder is empty or a review's: what is left over in it is deleted."""
    readme = folder / "README.md"
    return not (folder.is_dir() and any(folder.iterdir())) or (
        readme.exists() and readme.read_text().startswith(HEADING)
    )


def _check(environment: Environment, files: Mapping[str, str], folder: Path) -> int:
    there = _there(folder)
    stale = [f"{name} is missing" for name in sorted(set(files) - there)]
    stale += [f"{name} is left over" for name in sorted(there - set(files))]
    stale += [f"{name} differs" for name in sorted(there & set(files)) if (folder / name).read_text() != files[name]]
    if not stale:
        print(f"{environment.name}: {_spoken(folder)}/ is what the code makes")
        return 0
    lines = "\n".join(f"  - {line}" for line in stale)
    print(
        f"{environment.name}: {_spoken(folder)}/ is not what the code makes:\n{lines}\n"
        f"Run make review ENV={environment.name}, read what changed, and commit it with the change that made it.",
        file=sys.stderr,
    )
    return 1


def _compare(environment: Environment, files: Mapping[str, str], against: Path) -> int:
    base = against / environment.name if (against / environment.name).is_dir() else against
    if not base.is_dir():
        print(f"--against {against}: there is no such folder", file=sys.stderr)
        return 2
    old = {path.name: json.loads(path.read_text()) for path in sorted(base.glob("*.json"))}
    new = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    found = changes(old, new)
    reasons = {
        (policy.file, statement.sid): statement.reason
        for policy in access.policies(environment)
        for statement in policy.statements
    }
    print(comparison(environment.name, found, reasons))
    return 1 if any(change.wider for change in found) else 0


def comparison(name: str, found: Sequence[Change], reasons: Mapping[tuple[str, str], str]) -> str:
    """What became wider and narrower, for people: what, where, why the statement is there, how to accept it."""
    if not found:
        return f"{name}: access is what it was"
    lines = []
    for wider, word in ((True, "WIDER"), (False, "narrower")):
        places = sorted({(change.file, change.sid) for change in found if change.wider == wider})
        for file, sid in places:
            lines += ["", f"{word}: {file}, statement {sid}"]
            texts = [change.text for change in found if (change.wider, change.file, change.sid) == (wider, file, sid)]
            lines += [f"    {text}" for text in texts[:6]]
            lines += [f"    … and {len(texts) - 6} more" for _ in texts[6:7]]
            if (file, sid) in reasons:
                lines.append(f"    why it is there: {reasons[file, sid]}")
    count = sum(change.wider for change in found)
    verdict = f"{count} grants became wider" if count != 1 else "1 grant became wider"
    lines.insert(0, f"{name}: {verdict if count else 'access became narrower'}")
    if count:
        lines += [
            "",
            f"To accept it: run make review ENV={name}, commit review/{name}/, and let who answers for IAM approve the",
            "pull request with this list at hand. Once it is merged, the base has it and this check passes again.",
        ]
    return "\n".join(lines)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _there(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.*") if path.suffix in (".json", ".md")}


def _spoken(folder: Path) -> str:
    resolved = folder.resolve()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(folder)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m infra.review", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--env", help="name in environments/, or path of a file")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder to write or check (default review/NAME)")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; fail when files are stale")
    action.add_argument("--against", type=Path, metavar="DIR", help="write nothing; fail when access became wider")
    options = parser.parse_args(arguments)
    if options.output and not options.env:
        parser.error("--output needs --env: each environment has a folder of its own")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
