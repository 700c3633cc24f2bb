"""Signals end a demo or a stage, tested in process; `tests/e2e` stops whole processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.demo import __main__ as demo
from local.stage import __main__ as stage

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the signal handlers that a program replaces permanently."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_a_stage_and_both_clouds_and_removes_the_folder(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = []

    @contextmanager
    def clouds(folder: Path, *, environment: str) -> Iterator[None]:
        try:
            yield
        finally:
            ended.append(folder)

    monkeypatch.setattr(stage, "embedded", clouds)
    monkeypatch.setattr(stage, "_run", lambda *_, **__: signal.raise_signal(number))
    folder = tmp_path / "stage"
    assert stage.main(["--folder", str(folder)]) == 0
    assert ended == [folder]
    assert "Stopped. Both clouds and " in capsys.readouterr().out
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_demo_with_128_plus_its_number(number: signal.Signals) -> None:
    demo.end_on_signals()
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
