"""The wheel of a task: it is unpacked, and its metadata names the entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.runs.wheel import NoEntryPointError, entry_point, unpack
from tests.support.wheels import wheel

MODULE = "def go():\n    return 'gone'\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "some_work.whl"
    file.write_bytes(wheel(MODULE, name="some_work", functions=["go"]))
    unpack(file, tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "some_work", raising=False)
    return tmp_path / "site"


@pytest.mark.parametrize("package", ["some_work", "some-work", "Some_Work"])
def test_an_entry_point_is_found_in_any_spelling_of_the_package(site: Path, package: str) -> None:
    assert entry_point(site, package=package, name="go")() == "gone"


def test_an_unknown_package_is_an_error(site: Path) -> None:
    with pytest.raises(NoEntryPointError, match="Python wheel with name other could not be found"):
        entry_point(site, package="other", name="go")


def test_an_unknown_entry_point_is_reported_with_the_available_ones(site: Path) -> None:
    with pytest.raises(NoEntryPointError, match=r"no entry point stop\. It has: go"):
        entry_point(site, package="some_work", name="stop")
