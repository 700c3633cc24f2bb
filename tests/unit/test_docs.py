"""The documents name only existing targets, modules, files, headings and keys of the environment file."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONT = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".github/pull_request_template.md")
DOCS = [*(ROOT / name for name in FRONT), *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {path: path.read_text(encoding="utf-8") for path in DOCS}


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_to_existing_files_and_headings(path):
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)", TEXTS[path]):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_paths_in_the_repository_exist(path):
    names = set(re.findall(r"`((?:infra|job|local|tests|tools|environments)/[\w./-]*)`", TEXTS[path]))

    assert [name for name in names if "NAME" not in name and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_make_targets_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    # Only in code, because prose also uses "make" as a verb.
    inline = re.findall(r"`(make [^`]+)`", TEXTS[path])
    blocks = re.findall(r"```bash\n(.*?)```", TEXTS[path], flags=re.DOTALL)
    targets = set(re.findall(r"^make ([a-z-]+)", "\n".join(inline + blocks), flags=re.MULTILINE))

    assert [target for target in targets if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_modules_exist(path):
    for module in set(re.findall(r"python -m ([\w.]+)", TEXTS[path])):
        assert importlib.util.find_spec(module), module


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_commands_run_as_typed_on_a_machine_without_node(path):
    """Setup installs Python packages and Node in the clone, so a command uses their path there or a make target."""
    text = path.read_text(encoding="utf-8")
    commands = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^.*$", text, flags=re.MULTILINE)
    bare = [command for command in commands if re.match(r" *(?:npx |python3? -|cdk \w+ -)", command)]
    # workspace.md also names the module in prose, not only in commands.
    assert [command for command in bare if "infra.workspace" not in command or path.name != "workspace.md"] == []


def test_the_deploy_guide_deploys_the_environment_that_it_edits():
    text = TEXTS[ROOT / "docs" / "deploy.md"]
    assert "environments/staging.toml" in text
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL))
    assert set(re.findall(r"ENV=(\w+)", blocks)) == {"staging"}


@pytest.mark.parametrize(
    "path", ["logs/AWSLogs/1/a.log.gz", "tables/t/part-0.parquet", "checkpoint/x", "probe-mine.md"]
)
def test_git_ignores_the_files_that_commands_of_the_readme_write(path):
    result = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", path], cwd=ROOT, check=False)
    assert result.returncode == 0


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_keys_of_the_environment_file_exist(path):
    known = (ROOT / "environments" / "staging.toml").read_text(encoding="utf-8")
    keys = re.findall(r"`(?:job|workspace|reader|log_bucket|aws)\.([a-z_]+)`", TEXTS[path])

    assert [key for key in keys if not re.search(rf"^(?:# )?{key} =|^\[workspace\.{key}\]", known, re.MULTILINE)] == []


def test_every_role_in_the_review_is_explained():
    security = TEXTS[ROOT / "docs" / "security.md"]
    trusts = {path.name for path in (ROOT / "review").rglob("*-trust.json")}

    assert trusts
    assert [name for name in trusts if f"`{name}`" not in security] == []


def test_the_variables_of_the_workflows_are_explained():
    used = {
        name
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for name in re.findall(r"\bvars\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    explained = "\n".join(TEXTS.values())

    assert used == {"AWS_DEPLOY_ROLE", "AWS_REGION", "DATABRICKS_CLIENT_ID"}
    assert [name for name in used if f"`{name}`" not in explained] == []


def test_the_deploy_guide_lists_the_steps_of_a_new_user_in_order():
    headings = re.findall(r"^## \d\. (.+)$", TEXTS[ROOT / "docs" / "deploy.md"], flags=re.MULTILINE)

    assert headings == [
        "Write the environment file",
        "Run `cdk bootstrap`",
        "Create the access stack (for CI)",
        "Set two repository variables (for CI)",
        "Deploy",
    ]
