"""The files for contributors, GitHub and pre-commit name only commands, files and tools that exist."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
BLOCKS = re.findall(r"```bash\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.splitlines()]


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_in_the_guide_works_as_typed(command):
    if command[0] == "make":
        assert command[1] in TARGETS
        return
    assert command[:3] == [".venv/bin/python", "-m", "pytest"]
    paths = [word for word in command[3:] if "/" in word]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    # Check that pytest accepts the options. One small module replaces the folders, which take seconds to collect.
    small = ["tests/unit/test_paths.py" if "/" in word else word for word in command[3:]]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *small, "--collect-only", "--quiet", "-p", "no:cacheprovider"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), result.stdout + result.stderr


def test_make_targets_and_variables_in_the_guide_exist():
    commands = re.findall(r"`make ([^`]+)`", CONTRIBUTING)
    assert {"format", "lint", "prose", "docs", "review", "stage", "demo", "test", "mutants", "lock"} <= {*commands}
    assert {command.split()[0] for command in commands} <= TARGETS
    assert "$(UPGRADE)" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_files_in_the_guide_exist():
    names = re.findall(r"`([\w./-]+(?:\.in|\.toml|\.json|\.md|/))`", CONTRIBUTING)
    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_rule_for_code_owners_has_a_team_and_an_existing_path():
    lines = (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    rules = [line.split() for line in lines if line and not line.startswith("#")]
    assert rules[0][0] == "*"
    assert [path for path, _ in rules if path in ("/review/", "/infra/iam/")][::-1] == ["/review/", "/infra/iam/"]
    for path, team in rules:
        assert team.startswith("@YOUR-ORG/")
        assert path == "*" or [*ROOT.glob(path.strip("/"))], path


@pytest.mark.parametrize("name", ["bug_report", "feature_request"])
def test_an_issue_form_follows_the_schema_of_github(name):
    """https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema"""
    form = read_yaml(GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert set(form) == {"name", "description", "labels", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert fields
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids))
    for field in fields:
        assert field["type"] in ("checkboxes", "dropdown", "input", "textarea")
        assert field["attributes"]["label"]
        assert set(field) <= {"type", "id", "attributes", "validations"}
        if field["type"] in ("checkboxes", "dropdown"):
            assert field["attributes"]["options"]
    for target in re.findall(r"make ([a-z-]+)", json.dumps(form)):
        assert target in TARGETS


def test_new_issues_link_to_the_private_vulnerability_report():
    config = read_yaml(GITHUB / "ISSUE_TEMPLATE" / "config.yml")
    assert config["blank_issues_enabled"] is False
    assert [link["url"].endswith("/security/advisories/new") for link in config["contact_links"]] == [True]


def test_dependabot_reads_every_lock_file_and_ignores_the_deprecated_cdk_version():
    updates = {update["package-ecosystem"]: update for update in read_yaml(GITHUB / "dependabot.yml")["updates"]}
    assert set(updates) == {"github-actions", "npm", "pip"}
    locked = subprocess.run(
        ["git", "ls-files", "*requirements*.txt"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {f"/{Path(file).parent.as_posix()}".rstrip(".") for file in locked} == {*updates["pip"]["directories"]}
    assert updates["npm"]["ignore"] == [{"dependency-name": "aws-cdk", "versions": [">=3.0.0"]}]
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", pinned)


def test_hooks_run_the_tools_of_the_venv_and_download_nothing():
    (repository,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff-check", "ruff-format", "committed-secrets"]
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        program, *arguments = hook["entry"].split()
        assert program.startswith(".venv/bin/")
        result = subprocess.run([ROOT / program, *arguments, "tools/__init__.py"], cwd=ROOT, check=False)
        assert result.returncode == 0, hook["entry"]
