"""Control characters in untrusted text are escaped before the text is printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from infra.smoke import page
from infra.smoke.judgement import Finding
from local.answers.result import Result
from local.cloud_files.error import CloudFilesError
from local.demo import terminal
from local.demo.live import Live
from local.demo.report import Entry
from tests.unit.test_failures import PARAMETERS
from vpc_flow_logs.answers.model import OutputColumn
from vpc_flow_logs.failures import explained, headline
from vpc_flow_logs.parameters import ParameterError
from vpc_flow_logs.progress import say
from vpc_flow_logs.terminal import printable, printable_lines

EVIL = "a\x1b]0;mine\x07\x9b2J\r\u202egz\u2066\udcff\x00b"
SHOWN = r"a\x1b]0;mine\x07\x9b2J\r\u202egz\u2066\udcff\x00b"


def is_safe(text: str) -> bool:
    """Return whether the text has no character, except line ends, that a terminal interprets or hides."""
    return text.replace("\n", "").isprintable()


def test_control_characters_direction_marks_and_surrogates_are_escaped() -> None:
    assert printable(EVIL) == SHOWN
    assert printable("a\nb\tc") == r"a\nb\tc"
    assert printable_lines(f"one\n{EVIL}") == f"one\n{SHOWN}"


@pytest.mark.parametrize("text", ["", "2 123456789012 eni-0a", "Grüße, 日本語 – 🙂", r"a\x1b"])
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


def test_the_job_escapes_file_names_and_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"newest:   file:/logs/{EVIL}\nbatch 9: 1 file")
    assert capsys.readouterr().out == f"newest:   file:/logs/{SHOWN}\\nbatch 9: 1 file\n"


def test_the_message_of_a_failure_escapes_file_names() -> None:
    error = RuntimeError(f"Job aborted\nCaused by: java.io.IOException: Permission denied: file:/lake/flow/{EVIL}")
    assert r"file:/lake/flow/a\x1b]0;mine\x07\x9b2J" in explained(error, PARAMETERS)
    assert is_safe(explained(error, PARAMETERS))
    assert is_safe(headline(RuntimeError(f"no such file {EVIL}")))


def test_a_parameter_error_escapes_values() -> None:
    assert is_safe(str(ParameterError([f"there is no folder {EVIL}", "--headers: bad"])))


def test_errors_of_cloud_files_escape_file_names() -> None:
    assert str(CloudFilesError(f"file:/logs/{EVIL}: gone")) == f"file:/logs/{SHOWN}: gone"


def test_the_demo_escapes_addresses_reasons_and_file_names() -> None:
    out = io.StringIO()
    live = Live(Console(file=out), total=1)
    live.say(terminal.quarantine([Entry(EVIL, 1, 1, EVIL, EVIL)], {EVIL: "cut off"}))
    columns = (OutputColumn("srcaddr", "STRING", "address"), OutputColumn("records", "BIGINT", "records"))
    live.say(terminal.answer(Result("Top talkers", "", "", columns, [(f"{EVIL}\n", 1)])))
    live.say(EVIL)
    assert is_safe(out.getvalue())
    assert "on purpose: cut off" in out.getvalue()


def test_the_smoke_test_escapes_the_output_of_a_run(tmp_path: Path) -> None:
    findings = [Finding("wrong", "run", f"the last one failed: {EVIL}\n::add-mask::x", f"read {EVIL}")]
    assert is_safe(page.text(findings))
    assert is_safe(page.markdown("staging", findings))
    assert not any(line.lstrip().startswith("::") for line in page.text(findings).splitlines())
