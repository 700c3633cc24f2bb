"""Text of others reaches a terminal without its control characters, wherever it is printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from infra.smoke import page
from infra.smoke.judgement import Finding
from local.cloud_files.error import CloudFilesError
from local.demo import terminal
from local.demo.live import Live
from local.demo.report import Entry, Source, Talker
from tests.unit.test_failures import PARAMETERS
from vpc_flow_logs.failures import explained, telling_line
from vpc_flow_logs.parameters import ParameterError
from vpc_flow_logs.progress import say
from vpc_flow_logs.terminal import printable, printable_lines

EVIL = "a\x1b]0;mine\x07\x9b2J\r\u202egz\u2066\udcff\x00b"
SHOWN = r"a\x1b]0;mine\x07\x9b2J\r\u202egz\u2066\udcff\x00b"


def is_safe(text: str) -> bool:
    """Whether no character of it but the line ends is one that a terminal obeys or hides."""
    return text.replace("\n", "").isprintable()


def test_control_characters_marks_of_direction_and_surrogates_are_escaped() -> None:
    assert printable(EVIL) == SHOWN
    assert printable("a\nb\tc") == r"a\nb\tc"
    assert printable_lines(f"one\n{EVIL}") == f"one\n{SHOWN}"


@pytest.mark.parametrize("text", ["", "2 123456789012 eni-0a", "Grüße, 日本語 – 🙂", r"a\x1b"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_the_job_prints_one_line_whatever_a_file_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"newest:   file:/logs/{EVIL}\nbatch 9: 1 file")
    assert capsys.readouterr().out == f"newest:   file:/logs/{SHOWN}\\nbatch 9: 1 file\n"


def test_a_failure_that_names_a_file_is_safe() -> None:
    error = RuntimeError(f"Job aborted\nCaused by: java.io.IOException: Permission denied: file:/lake/flow/{EVIL}")
    assert r"file:/lake/flow/a\x1b]0;mine\x07\x9b2J" in explained(error, PARAMETERS)
    assert is_safe(explained(error, PARAMETERS))
    assert is_safe(telling_line(RuntimeError(f"no such file {EVIL}")))


def test_a_refused_parameter_is_safe() -> None:
    assert is_safe(str(ParameterError([f"there is no folder {EVIL}", "--headers: bad"])))


def test_what_the_stand_in_reports_is_safe() -> None:
    assert str(CloudFilesError(f"file:/logs/{EVIL}: gone")) == f"file:/logs/{SHOWN}: gone"


def test_the_demo_prints_addresses_reasons_and_names_of_files_safely() -> None:
    out = io.StringIO()
    live = Live(Console(file=out), total=1)
    live.say(terminal.quarantine([Entry(EVIL, 1, 1, EVIL, EVIL)], {EVIL: "cut off"}))
    live.say(terminal.top_talkers([Talker(f"{EVIL}\n", 1, 1, 1)]))
    live.say(terminal.rejected([Source(f"{EVIL}\n", 1, 1, 1, 22)]))
    live.say(EVIL)
    assert is_safe(out.getvalue())
    assert "on purpose: cut off" in out.getvalue()


def test_the_smoke_test_prints_the_output_of_a_run_safely(tmp_path: Path) -> None:
    findings = [Finding("wrong", "run", f"the last one failed: {EVIL}\n::add-mask::x", f"read {EVIL}")]
    assert is_safe(page.text(findings))
    assert is_safe(page.markdown("staging", findings))
    assert not any(line.lstrip().startswith("::") for line in page.text(findings).splitlines())
