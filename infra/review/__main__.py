"""The IAM of an environment as files that a reviewer reads without an account.

    .venv/bin/python -m infra.review --env staging     write review/staging/

    --check                   write nothing; fail when the committed files are not those of the code
    --against DIR             what became wider and narrower since DIR; fail if wider
    --against-revision REV    the same since a git revision, such as origin/main
    --repository ORG/REPO     write what CI of a repository may do as well

Without ``--env``: every environment that has files in ``review/``. The review of a file outside ``environments/`` is in
a folder ``review/`` beside that file. What CI may do is in ``review/ci-access/NAME/``;
once it is there, every command looks at it too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.assets.function_zip import FunctionCodeError
from infra.config import ENVIRONMENTS, Environment, EnvironmentFileError, load, warnings_of
from infra.iam import Policy, ci_policies
from infra.iam import policies as access
from infra.iam.ci_policies import CiAccess, RepositoryError
from infra.review.baseline import CARRIERS, BaseReviewError, at_revision
from infra.review.folder import Part, check, compare, write
from infra.review.page import page
from infra.review.template_documents import documents_of, readable
from vpc_flow_logs.terminal import printable

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "review"
"""Where the committed files are, a folder an environment."""

CI_ACCESS = "ci-access"
"""The folder among them for what CI may do, again with a folder an environment."""


class UnattachedPolicy(Exception):
    """A reviewed document is in no template: a mistake of this code."""


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit status: 1 for stale or wider, 2 for what cannot be done."""
    options = _options(arguments)
    try:
        with _base(options) as base:
            asked, left = _asked(options, base)
            found = [_one(load(name), options, base) for name in asked]
            return max([*found, *(_left_over(name, options) for name in left)], default=0)
    except (EnvironmentFileError, BaseReviewError, FunctionCodeError, RepositoryError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or FOLDER}: {error.strerror}; nothing more was written", file=sys.stderr)
        return 2


def review(environment: Environment) -> dict[str, str]:
    """The files of an environment's review, by name."""
    policies = access.policies(environment)
    made_by_cdk = _made_by_cdk(environment, policies)
    files = {policy.file: _json(policy.document) for policy in policies}
    files |= {file: _json(document) for file, document in made_by_cdk.items()}
    files[CARRIERS] = _json({policy.file: policy.carrier for policy in policies if policy.carrier})
    return {**files, "README.md": page(environment.name, policies, sorted(made_by_cdk))}


def ci_review(ci_access: CiAccess) -> dict[str, str]:
    """The files of the review of what CI may do, by name."""
    policies = ci_policies.policies(ci_access)
    files = {policy.file: _json(policy.document) for policy in policies}
    files[CARRIERS] = _json({policy.file: policy.carrier for policy in policies})
    return {**files, "README.md": page(ci_access.environment.name, policies, [], part=", CI")}


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
        for found in documents_of(template, account=account, region=region)
    ]
    ours = [policy for policy in policies if policy.file not in _by_hand(environment)]
    # As often as we have it, and no more: the same document on one role more is not ours.
    expected = Counter(_json(policy.document) for policy in ours)
    others: dict[str, dict[str, Any]] = {}
    for file, document in found:
        text = _json(document)
        if expected[text]:
            expected[text] -= 1
        else:
            others[file] = document
    missing = [policy.file for policy in ours if expected[_json(policy.document)]]
    if missing:
        raise UnattachedPolicy(f"{environment.name}: no template has {', '.join(missing)}")
    return others


def _by_hand(environment: Environment) -> set[str]:
    """The files of documents that no stack can attach."""
    files = {"kms-key-policy.json"}
    if environment.log_bucket.existing:
        files |= {"log-bucket-policy.json", "log-bucket-policy-before-deploy.json"}
    return files


def _asked(options: argparse.Namespace, base: Path | None) -> tuple[list[str], list[str]]:
    """Return the environments that are asked for, or all that have a review here or had one that is compared with; and
    those that have a review here but no file.
    """
    if options.env:
        return [options.env], []
    here = {path.name for path in FOLDER.glob("*") if path.is_dir() and path.name != CI_ACCESS}
    there = {path.name for path in base.glob("*") if path.is_dir()} if base else set()
    found = sorted(name for name in here | there if (ENVIRONMENTS / f"{name}.toml").is_file())
    return found, sorted(here - {*found})


def _left_over(name: str, options: argparse.Namespace) -> int:
    print(
        f"{name}: review/{name}/ was left as it is, because there is no environments/{name}.toml. Delete the folder, "
        "or put the file back",
        file=sys.stderr,
    )
    return 1 if options.check else 0


def _root(options: argparse.Namespace) -> Path:
    """Return where reviews go: a file outside ``environments/`` has its review beside it, not among the committed."""
    path = Path(options.env or "")
    outside = path.suffix == ".toml" and path.resolve().parent != ENVIRONMENTS.resolve()
    return path.parent / FOLDER.name if outside else FOLDER


@contextmanager
def _base(options: argparse.Namespace) -> Iterator[Path | None]:
    """The folder of the review that is compared with, if one is."""
    if options.against_revision:
        with at_revision(options.against_revision, root=FOLDER.parent, folder=FOLDER.name) as folder:
            yield folder
    elif options.against and not options.against.is_dir():
        raise BaseReviewError(f"--against {options.against}: there is no such folder")
    else:
        yield options.against


def _one(environment: Environment, options: argparse.Namespace, base: Path | None) -> int:
    for warning in warnings_of(environment):
        print(f"{environment.name}: warning: {printable(warning)}", file=sys.stderr)
    return max(_do(part, options, base) for part in _parts(environment, options, base))


def _parts(environment: Environment, options: argparse.Namespace, base: Path | None) -> Iterator[Part]:
    name = environment.name
    # In advice: what names the file, which may be a path.
    asked = options.env or name
    yield Part(
        name=name,
        folder=options.output or _root(options) / name,
        files=review(environment),
        policies=access.policies(environment),
        asked=asked,
    )
    # A folder that is named has one environment's files, and no others.
    if options.output or (base and not options.against_revision and not (base / name).is_dir()):
        return
    folder = _root(options) / CI_ACCESS / name
    ci_access = (
        CiAccess(environment=environment, repository=ci_policies.checked_repository(options.repository))
        if options.repository
        else ci_policies.reviewed(folder, environment)
    )
    if ci_access:
        yield Part(
            name=f"{CI_ACCESS}/{name}",
            folder=folder,
            files=ci_review(ci_access),
            policies=ci_policies.policies(ci_access),
            asked=asked,
        )


def _do(part: Part, options: argparse.Namespace, base: Path | None) -> int:
    if base:
        # --against names the folder of all reviews, or that of this one.
        of_all = options.against_revision or (base / part.name).is_dir() or part.name.startswith(CI_ACCESS)
        return compare(part, base / part.name if of_all else base, summary=options.summary)
    return check(part) if options.check else write(part)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.review", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--env", help="name in environments/, or path of a file")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder to write or check (default review/NAME)",
    )
    parser.add_argument("--repository", metavar="ORG/REPO", help="whose CI may deploy: review that as well")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; fail when files are stale")
    action.add_argument("--against", type=Path, metavar="DIR", help="write nothing; fail when access became wider")
    action.add_argument("--against-revision", metavar="REV", help="the same, against review/ of a git revision")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="what became wider, as a table of this Markdown file"
    )
    options = parser.parse_args(arguments)
    if options.output and not options.env:
        parser.error("--output needs --env: each environment has a folder of its own")
    if options.summary and not (options.against or options.against_revision):
        parser.error("--summary is for a comparison: say --against or --against-revision too")
    if options.repository and (options.output or not options.env):
        parser.error("--repository needs --env, and goes without --output: its files are in review/ci-access/NAME")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
