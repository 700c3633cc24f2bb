"""Write the IAM of an environment as files that a reviewer can read without access to an account.

    .venv/bin/python -m infra.review --env staging     write review/staging/

    --check                   write nothing; fail if the committed files differ from the code
    --against DIR             show the changes in access since DIR; fail if access became wider
    --against-revision REV    show the changes in access since a git revision, such as origin/main
    --repository ORG/REPO     also write the permissions of the repository's CI

Without ``--env``, the command covers every environment with files in ``review/``. The review of an environment
file outside ``environments/`` goes to a folder ``review/`` next to the file. The permissions of CI go to
``review/ci-access/NAME/``; once that folder exists, every command covers it too.
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
from infra.interruption import interruptible
from infra.review.baseline import CARRIERS, BaseReviewError, at_revision
from infra.review.folder import Part, check, compare, write
from infra.review.page import page
from infra.review.template_documents import documents_of, readable
from vpc_flow_logs.terminal import printable

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "review"
"""The committed files, with one folder per environment."""

CI_ACCESS = "ci-access"
"""The folder in ``review/`` for the permissions of CI, with one folder per environment."""


class UnattachedPolicy(Exception):
    """A reviewed document is not in any template, which is a bug."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit status: 1 for stale files or wider access, 2 for an error."""
    options = _options(arguments)
    try:
        with _base(options) as base:
            names, left_over = _selected(options, base)
            statuses = [_environment(load(name), options, base) for name in names]
            return max([*statuses, *(_left_over(name, options) for name in left_over)], default=0)
    except (EnvironmentFileError, BaseReviewError, FunctionCodeError, RepositoryError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or FOLDER}: {error.strerror}. No further files were written", file=sys.stderr)
        return 2


def review(environment: Environment) -> dict[str, str]:
    """Return the files of an environment's review, by name."""
    policies = access.policies(environment)
    of_cdk = _of_cdk(environment, policies)
    files = {policy.file: _json(policy.document) for policy in policies}
    files |= {file: _json(document) for file, document in of_cdk.items()}
    files[CARRIERS] = _json({policy.file: policy.carrier for policy in policies if policy.carrier})
    return {**files, "README.md": page(environment.name, policies, sorted(of_cdk))}


def ci_review(ci_access: CiAccess) -> dict[str, str]:
    """Return the review files for CI's permissions, by name."""
    policies = ci_policies.policies(ci_access)
    files = {policy.file: _json(policy.document) for policy in policies}
    files[CARRIERS] = _json({policy.file: policy.carrier for policy in policies})
    return {**files, "README.md": page(ci_access.environment.name, policies, [], part=", CI")}


def templates(environment: Environment) -> list[tuple[dict[str, Any], str, str]]:
    """Return the environment's templates, synthesized offline, each with its account and region."""
    from aws_cdk import App  # noqa: PLC0415 - starts Node; errors in the file are reported before that

    from infra.stacks import build  # noqa: PLC0415

    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory(prefix="review-") as folder:
        app = App(context=context, outdir=folder)
        build(app, environment)
        stacks = app.synth().stacks
        return [(stack.template, stack.environment.account, stack.environment.region) for stack in stacks]


def _of_cdk(environment: Environment, policies: Sequence[Policy]) -> dict[str, dict[str, Any]]:
    """Return the documents that CDK adds to the templates, in addition to the reviewed ones.

    Raises:
        UnattachedPolicy: A reviewed document is in no template, and owners do not add it by hand.
    """
    documents = [
        (f"cdk-{readable(document.logical_id)}-{readable(document.kind)}.json", document.document)
        for template, account, region in templates(environment)
        for document in documents_of(template, account=account, region=region)
    ]
    attached = [policy for policy in policies if policy.file not in _by_hand(environment)]
    # Count the copies: CDK may add another copy of a reviewed document.
    expected = Counter(_json(policy.document) for policy in attached)
    others: dict[str, dict[str, Any]] = {}
    for file, document in documents:
        text = _json(document)
        if expected[text]:
            expected[text] -= 1
        else:
            others[file] = document
    missing = [policy.file for policy in attached if expected[_json(policy.document)]]
    if missing:
        raise UnattachedPolicy(f"{environment.name}: no template has {', '.join(missing)}")
    return others


def _by_hand(environment: Environment) -> set[str]:
    """Return the files of documents that the owners of the key and the bucket attach by hand."""
    files = {"kms-key-policy.json"}
    if environment.log_bucket.existing:
        files |= {"log-bucket-policy.json", "log-bucket-policy-before-deploy.json"}
    return files


def _selected(options: argparse.Namespace, base: Path | None) -> tuple[list[str], list[str]]:
    """Return the environment of ``--env``, or all with a review here or in ``base``, and those without a file."""
    if options.env:
        return [options.env], []
    here = {path.name for path in FOLDER.glob("*") if path.is_dir() and path.name != CI_ACCESS}
    there = {path.name for path in base.glob("*") if path.is_dir()} if base else set()
    names = sorted(name for name in here | there if (ENVIRONMENTS / f"{name}.toml").is_file())
    return names, sorted(here - {*names})


def _left_over(name: str, options: argparse.Namespace) -> int:
    print(
        f"{name}: review/{name}/ was not changed, because environments/{name}.toml does not exist. Delete the folder "
        "or restore the file",
        file=sys.stderr,
    )
    return 1 if options.check else 0


def _root(options: argparse.Namespace) -> Path:
    """Return the folder of reviews, which is next to the file for a file outside ``environments/``."""
    path = Path(options.env or "")
    outside = path.suffix == ".toml" and path.resolve().parent != ENVIRONMENTS.resolve()
    return path.parent / FOLDER.name if outside else FOLDER


@contextmanager
def _base(options: argparse.Namespace) -> Iterator[Path | None]:
    """Yield the folder of the review to compare with, or None without a comparison."""
    if options.against_revision:
        with at_revision(options.against_revision, root=FOLDER.parent, folder=FOLDER.name) as folder:
            yield folder
    elif options.against and not options.against.is_dir():
        raise BaseReviewError(f"--against {options.against}: the folder does not exist")
    else:
        yield options.against


def _environment(environment: Environment, options: argparse.Namespace, base: Path | None) -> int:
    for warning in warnings_of(environment):
        print(f"{environment.name}: warning: {printable(warning)}", file=sys.stderr)
    return max(_part(part, options, base) for part in _parts(environment, options, base))


def _parts(environment: Environment, options: argparse.Namespace, base: Path | None) -> Iterator[Part]:
    name = environment.name
    env = options.env or name  # for next steps; may be a path
    yield Part(
        name=name,
        folder=options.output or _root(options) / name,
        files=review(environment),
        policies=access.policies(environment),
        env=env,
    )
    # A folder given on the command line holds the files of one environment only.
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
            env=env,
        )


def _part(part: Part, options: argparse.Namespace, base: Path | None) -> int:
    if base:
        # --against names the folder of all reviews, or the folder of this review.
        of_all = options.against_revision or (base / part.name).is_dir() or part.name.startswith(CI_ACCESS)
        return compare(part, base / part.name if of_all else base, summary=options.summary)
    return check(part) if options.check else write(part)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m infra.review", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--env", help="name of a file in environments/, or path of a file")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder to write or check (default: review/NAME)")
    parser.add_argument("--repository", metavar="ORG/REPO", help="GitHub repository whose CI may deploy")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; fail if the files are stale")
    action.add_argument("--against", type=Path, metavar="DIR", help="write nothing; fail if access became wider")
    action.add_argument("--against-revision", metavar="REV", help="same as --against, with review/ of a git revision")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="Markdown file to append a table of the changes in access to"
    )
    options = parser.parse_args(arguments)
    if options.output and not options.env:
        parser.error("--output requires --env, because each environment has its own folder")
    if options.summary and not (options.against or options.against_revision):
        parser.error("--summary requires --against or --against-revision")
    if options.repository and (options.output or not options.env):
        parser.error("--repository requires --env and excludes --output: its files go to review/ci-access/NAME")
    return options


if __name__ == "__main__":
    with interruptible():
        sys.exit(main(sys.argv[1:]))
