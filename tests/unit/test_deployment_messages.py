"""Messages that quote a service: the advice after the quoted text is complete, however long that text is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError, NoCredentialsError
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, TooManyRequests, Unauthenticated

import infra.workspace
from infra import by_hand
from infra.environment.problems import EnvironmentFileError, Problem
from infra.workspace import errors, handler
from infra.workspace.client import connect
from infra.workspace.errors import LONGEST, DeploymentError, composed, listed
from infra.workspace.explain import explaining
from infra.workspace.job import run_output
from infra.workspace.step import Step
from infra.workspace.unity import external_locations
from local.workspace import Fault, Outcome, RecordingRunner, Script
from tests.support.deploying import GROUP, MAIL, READERS, Hurried, Stage, staged

LONG = "beginning " + "x" * 5_000 + " ending"
ENCODED = (
    "You are not authorized to perform this operation. User: arn:aws:sts::1:assumed-role/r/s is not authorized to "
    f"perform: iam:PassRole. Encoded authorization failure message: {'Ab-_' * 300}"
)
ADD = "/api/2.0/instance-profiles/add"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


def _check(error: DeploymentError, *, detail: bool = True) -> None:
    """Assert that a message is within the limit and keeps its advice, also in an event with more advice."""
    assert error.advice
    assert "xxx" not in error.summary
    for text, advice in ((str(error), error.advice), (error.message(more=handler._GONE), handler._GONE)):
        assert len(text) <= LONGEST
        assert text.endswith(advice)
        assert error.advice.rstrip(".") in text
        if detail:
            assert "beginning" in text
            assert "ending" in text


@pytest.mark.parametrize(
    "error",
    [
        PermissionDenied(LONG),
        PermissionDenied(f"Source IP is blocked by Databricks IP ACL {LONG}"),
        PermissionDenied(f"Invalid access token {LONG}"),
        Unauthenticated(LONG),
        TooManyRequests(LONG),
        BadRequest(LONG),
        NotFound(LONG),
        ClientError({"Error": {"Code": "AccessDenied", "Message": LONG}}, "GetQueueUrl"),
        ValueError(f"invalid_client: {LONG}"),
    ],
    ids=lambda error: f"{type(error).__name__} {str(error)[:30]}",
)
def test_the_advice_is_complete_after_every_long_error_of_a_service(error: Exception) -> None:
    with pytest.raises(DeploymentError) as failure, explaining("Looking at something"):
        raise error
    _check(failure.value)


@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        TimeoutError(LONG),
        requests.ConnectionError(LONG),
        requests.JSONDecodeError(LONG, "", 0),
        ValueError(f"cannot configure default credentials {LONG}"),
        ValueError(f"more than one authorization method {LONG}"),
    ],
    ids=lambda error: f"{type(error).__name__} {str(error)[:30]}",
)
def test_a_message_does_not_quote_errors_that_add_nothing_to_the_advice(error: Exception) -> None:
    with pytest.raises(DeploymentError) as failure, explaining("Looking at something"):
        raise error
    assert "xxx" not in str(failure.value)
    _check(failure.value, detail=False)


def test_the_advice_is_complete_whichever_request_fails_with_a_long_error(stage: Stage) -> None:
    """Let each request fail in turn, so that the test covers every message that quotes a service."""
    spec = stage.spec(GROUP, READERS)
    stage.deploy(spec)
    stage.destroy(spec)
    stage.server.clear_log()
    stage.deploy(spec)
    stage.deploy(stage.spec(GROUP, READERS, MAIL))
    places = {(entry.method, entry.path) for entry in stage.server.requests if entry.path.startswith("/api/")}
    failed = 0
    faults = cycle([Fault.REFUSED, Fault.DENIED, Fault.BLOCKED])
    for (method, path), fault in zip(sorted(places), faults, strict=False):
        stage.destroy(spec)
        stage.server.clear_log()
        stage.server.faults.message = LONG
        stage.server.faults.on(method, path, fault, times=None)
        try:
            stage.deploy(spec)
            stage.deploy(stage.spec(GROUP, READERS, MAIL))
        except DeploymentError as error:
            failed += 1
            _check(error, detail="beginning" in error.detail)
        stage.server.clear_log()
    assert failed > 10


@pytest.mark.parametrize("detail", [LONG, ENCODED])
def test_a_profile_that_stays_rejected_is_reported_with_the_role_and_the_setting(stage: Stage, detail: str) -> None:
    stage.server.faults.message = detail
    stage.server.faults.on("POST", ADD, Fault.REFUSED, times=None)
    with pytest.raises(DeploymentError, match=r"reader\.databricks_role_arn.*workspace\.skip_validation") as failure:
        stage.deploy(stage.spec())
    _check(failure.value, detail=detail == LONG)


def test_an_encoded_authorization_message_is_left_out(stage: Stage) -> None:
    stage.server.faults.message = ENCODED
    stage.server.faults.on("POST", ADD, Fault.REFUSED, times=None)
    with pytest.raises(
        DeploymentError, match=r"perform: iam:PassRole\. Encoded .* message: \(left out\)\. "
    ) as failure:
        stage.deploy(stage.spec())
    assert "Ab-_" not in str(failure.value)


@pytest.mark.parametrize(
    ("detail", "advice"),
    [
        ("UC_HIVE_METASTORE_DISABLED_EXCEPTION: legacy access", run_output._HIVE_ADVICE),
        ("DBFS root is disabled", run_output._DBFS_ADVICE),
        ("NO_PARENT_EXTERNAL_LOCATION_FOR_PATH", run_output._LOCATION_ADVICE),
        ("something else", "Fix the cause"),
    ],
)
def test_the_advice_about_a_failed_verify_run_is_complete_and_ends_with_the_url_of_the_run(
    stage: Stage, detail: str, advice: str
) -> None:
    runner = stage.server.workspace.runner
    assert isinstance(runner, RecordingRunner)
    runner.next.append(Script(Outcome("FAILED", f"{LONG.removesuffix(' ending')} {detail} ending")))
    with pytest.raises(DeploymentError) as failure:
        stage.deploy(stage.spec(("network.flow_logs.test", "flow_logs.test")))
    assert advice in failure.value.advice
    assert "The run: http" in failure.value.advice
    _check(failure.value)


def test_a_note_about_locations_that_cannot_be_listed_keeps_its_advice() -> None:
    note = external_locations._not_listed("s3://bucket/logs", PermissionDenied(LONG))
    assert len(note) <= LONGEST
    assert note.endswith("the instance profile has no effect there")


def test_an_event_that_fails_with_an_unexpected_error_keeps_its_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(LONG)

    monkeypatch.setattr(handler, "_deploy", fail)
    with pytest.raises(handler.Failed, match=r"beginning.*ending\. See the traceback in the function's log$"):
        handler.is_complete({"RequestType": "Create"}, None)


def test_problems_that_do_not_fit_are_counted_and_the_advice_is_kept(stage: Stage) -> None:
    names = ", ".join(f'"group-number-{number}"' for number in range(200))
    groups = ("[workspace.cluster]", f"groups = [{names}]\n\n[workspace.cluster]")
    with pytest.raises(DeploymentError, match=r"group-number-0'.*; and \d+ more\. Nothing was changed") as failure:
        stage.deploy(stage.spec(groups))
    _check(failure.value, detail=False)
    assert listed(["a", "b"], room=10) == "a; b"
    assert listed(["a" * 100, "b"], room=10) == f"{'a' * 100}; and 1 more"


def test_a_message_keeps_the_beginning_and_the_end_of_a_quoted_error() -> None:
    text = composed("Doing it:", detail=LONG, advice="Fix it", limit=200)
    assert len(text) == 200
    assert text.startswith("Doing it: beginning x")
    assert text.endswith("x ending. Fix it")
    assert composed("Doing it failed", detail="no.", advice="Fix it") == "Doing it failed (no). Fix it"
    assert composed("Doing it failed") == "Doing it failed"
    assert composed("Doing it", detail=LONG, advice="y" * 2_000).endswith(f". {'y' * 2_000}")


def test_a_secret_is_hidden_before_the_quoted_error_is_shortened() -> None:
    error = DeploymentError("Doing it:", detail=f"{'x' * 300}hunter2 and hunter2{'x' * 5_000}", advice="Not hunter2")
    text = error.message(secrets=["hunter2"])
    assert "hunter2" not in text
    assert text.endswith("Not (secret)")


def test_only_the_function_that_keeps_the_advice_quotes_errors_in_messages() -> None:
    """An f-string that contains an error's text can be too long, so that the advice after it is cut off."""
    violations = []
    # errors.py defines that function; __main__ prints only complete messages.
    for file in set(Path(infra.workspace.__file__).parent.rglob("[a-z]*.py")) - {Path(errors.__file__)}:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FormattedValue) and _is_quoted_text(node.value):
                violations.append(f"{file.name}:{node.lineno}: {ast.unparse(node.value)}")
    assert violations == []


def _is_quoted_text(value: ast.expr) -> bool:
    return ast.unparse(value) in ("str(error)", "message_of(error)", "detail", "reason") or (
        isinstance(value, ast.Name) and value.id == "error"
    )


# A new client secret


def _secret(stage: Stage) -> dict[str, str]:
    return {"client_id": stage.deployer.client_id, "client_secret": stage.deployer.client_secret}


@pytest.mark.parametrize("fault", [Fault.UNKNOWN_CLIENT, Fault.UNKNOWN_CLIENT_400])
def test_signing_in_with_a_secret_that_is_not_known_yet_is_retried(stage: Stage, fault: Fault) -> None:
    stage.server.faults.on("POST", "/oidc/v1/token", fault, times=3)
    progress: list[str] = []
    client = connect(stage.server.host, secret=_secret(stage), clock=Hurried(), report=progress.append)
    assert client.current_user.me().user_name == stage.deployer.client_id
    assert len(progress) == 3
    assert all("trying again" in text and stage.deployer.client_secret not in text for text in progress)
    tokens = [entry.status for entry in stage.server.requests if entry.path == "/oidc/v1/token"]
    assert tokens == [401 if fault is Fault.UNKNOWN_CLIENT else 400] * 3 + [200]


def test_signing_in_with_a_secret_that_stays_unknown_fails_after_a_minute_with_the_last_reason(stage: Stage) -> None:
    stage.server.faults.on("POST", "/oidc/v1/token", Fault.UNKNOWN_CLIENT_400, nth=1, times=None)
    clock = Hurried()
    began = clock.time()
    with pytest.raises(DeploymentError, match=r"rejected the credentials \(invalid_client: .*OAuth secret"):
        connect(stage.server.host, secret=_secret(stage), clock=clock, report=lambda _: None)
    assert 45 <= clock.time() - began <= 65


def test_signing_in_is_not_retried_after_another_error(stage: Stage) -> None:
    progress: list[str] = []
    stage.server.faults.on("POST", "/oidc/v1/token", Fault.REFUSED, times=None)
    with pytest.raises(DeploymentError, match="Signing in to http"):
        connect(stage.server.host, secret=_secret(stage), clock=Hurried(), report=progress.append)
    assert progress == []


def test_a_manual_deploy_shows_that_it_waits_for_a_new_secret(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.server.faults.on("POST", "/oidc/v1/token", Fault.UNKNOWN_CLIENT)
    connect(stage.server.host, secret=_secret(stage), clock=Hurried())
    assert capsys.readouterr().err == (
        f"  … {stage.server.host} rejects the client ID and secret; a new secret takes time to "
        "propagate; trying again\n"
    )


ESCAPES = "red\x1b[31m back\u202e clear\x9b2J"
ESCAPED = r"red\x1b[31m back\u202e clear\x9b2J"


def test_control_characters_in_a_quoted_error_are_escaped() -> None:
    assert str(DeploymentError("The verify run failed:", detail=ESCAPES)) == f"The verify run failed: {ESCAPED}"
    assert DeploymentError("It failed", detail=ESCAPES).message(more="Next") == f"It failed ({ESCAPED}). Next"


def test_a_manual_step_prints_the_output_of_a_run_line_by_line_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    by_hand._print_step(Step(name=ESCAPES, outcome="note", detail=f"first {ESCAPES}\nsecond {ESCAPES}"))
    output = capsys.readouterr().out
    assert output == f"  note       {ESCAPED}  first {ESCAPED}\n             second {ESCAPED}\n"


def test_control_characters_in_the_values_of_a_file_are_escaped() -> None:
    error = EnvironmentFileError("test.toml", [Problem("aws.account", f'"{ESCAPES}" is not valid')])
    assert str(error).endswith(f'\n  - aws.account: "{ESCAPED}" is not valid')
