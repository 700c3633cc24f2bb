"""The app in the real CDK command line, as `make synth` runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.config import load, warnings_of
from tests.infra.conftest import ROOT

_CDK = ROOT / "node_modules" / ".bin" / "cdk"

pytestmark = pytest.mark.skipif(not _CDK.exists(), reason="the CDK command line is not installed: make setup")


def _synth(env: str | None, out: Path, *context: str, app: str = "app.py") -> subprocess.CompletedProcess[str]:
    """Run `cdk synth` without credentials in the environment."""
    ask = [*context] if env is None else ["-c", f"env={env}", *context]
    python = f"{sys.executable} {app}"
    return subprocess.run(
        [str(_CDK), "synth", "--quiet", "--no-lookups", "--app", python, "--output", str(out), *ask],
        cwd=ROOT,
        env={
            "PATH": f"{_CDK.parent}:{os.environ['PATH']}",
            "HOME": str(out.parent),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        text=True,
        capture_output=True,
        check=False,
    )


def _app(context: dict[str, str], out: Path, *, app: str = "app.py") -> subprocess.CompletedProcess[str]:
    """Run the app alone, with its context in the variable that the command line sets."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(out.parent), "CDK_CONTEXT_JSON": json.dumps(context)}
    return subprocess.run(
        [sys.executable, *app.split()],
        cwd=ROOT,
        env={**environment, "CDK_OUTDIR": str(out)},
        text=True,
        capture_output=True,
        check=False,
    )


def test_synth_creates_every_template_without_credentials(tmp_path: Path) -> None:
    done = _synth("production", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert "workspace.host, workspace.secret_arn" in done.stderr
    assert "still have example values; make deploy rejects the file until you replace them" in done.stderr
    assert len(list((tmp_path / "out").glob("*.template.json"))) == 3


def test_an_unedited_copy_of_an_example_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((ROOT / "environments" / "minimal.toml").read_text())
    (recipe,) = re.findall(r"^deploy: .*\n\t(.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    context = re.findall(r"-c for=\S+", recipe)[0].split()
    done = _synth(str(file), tmp_path / "out", *context)
    assert done.returncode != 0
    assert f"{file}: 6 problems; nothing was created or changed:" in done.stderr
    assert '  - aws.account: "111122223333" is an example value. Replace it with your own' in done.stderr
    assert not list(tmp_path.glob("out/*.template.json"))


def test_the_command_line_shows_warnings(tmp_path: Path) -> None:
    done = _synth("local", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (warning,) = warnings_of(load("local"))
    assert f"warning: {warning}" in done.stderr


def test_a_deploy_by_hand_shows_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.workspace", "deploy", "--env", "local"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"},
        text=True,
        capture_output=True,
        check=False,
    )
    # The sign-in fails here; the warning comes before it.
    assert done.returncode == 1
    assert done.stderr.startswith(f"warning: {warnings_of(load('local'))[0]}\n")


def test_a_mistake_is_reported_without_a_traceback(tmp_path: Path) -> None:
    result = _synth("nowhere", tmp_path / "out")
    assert result.returncode != 0
    assert "environments/nowhere.toml: 1 problem; nothing was created or changed:" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("out/*.template.json"))


@pytest.mark.parametrize(
    ("app", "context", "message"),
    [
        ("app.py", {}, "No environment selected. Add -c env=NAME: a name in environments/, or a file's path"),
        ("-m infra.ci_access", {"repository": "octo-org/flow-logs"}, "No environment selected."),
        ("-m infra.ci_access", {"env": "staging"}, "No repository selected. Add -c repository=ORG/REPO"),
        (
            "-m infra.ci_access",
            {"env": "staging", "repository": "a/b", "provider": "old"},
            "-c provider=old: use new (the default), or existing",
        ),
    ],
    ids=["no environment", "access: no environment", "access: no repository", "access: no provider"],
)
def test_a_missing_or_invalid_context_is_reported(
    app: str, context: dict[str, str], message: str, tmp_path: Path
) -> None:
    result = _app(context, tmp_path / "out", app=app)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("out/*.template.json"))


def test_the_ci_access_app_runs_in_the_command_line(tmp_path: Path) -> None:
    context = ("-c", "env=staging", "-c", "repository=a/b")
    result = _synth(None, tmp_path / "out", *context, app="-m infra.ci_access")
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.glob("out/*-ci-access.template.json"))
