"""Tests of helpers.progress: visible to a reader, silent everywhere else."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from helpers import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def watch(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a reader's terminal, with bars switched on.

    Not a fixture: pytest replaces standard error between set-up and test.
    """
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("EQUATIONS_QUIET", raising=False)
    return stream


def test_a_reader_sees_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watch(monkeypatch)
    assert list(progress.bar(range(4), description="folding")) == [0, 1, 2, 3]
    assert "folding" in terminal.getvalue()
    assert "4" in terminal.getvalue()


def test_the_bar_is_wiped_when_the_work_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = watch(monkeypatch)
    with progress.bar(total=3, description="folding") as shown:
        shown.update(2)
        assert shown.n == 2
    last_line = terminal.getvalue().replace("\n", "").split("\r")[-1]
    assert last_line.strip() == ""
    assert "\n" not in terminal.getvalue()


def test_bytes_are_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watch(monkeypatch)
    with progress.bar(total=98_000_000, unit="B"):
        pass
    assert "98.0M" in terminal.getvalue()
    assert "98000000" not in terminal.getvalue()


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_the_environment_switches_bars_off(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = watch(monkeypatch)
    monkeypatch.setenv("EQUATIONS_QUIET", value)
    assert list(progress.bar("abc")) == ["a", "b", "c"]
    with progress.bar(total=2) as shown:
        shown.update(1)
        shown.set_description("still silent")
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("value", ["0", ""])
def test_zero_leaves_bars_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch)
    monkeypatch.setenv("EQUATIONS_QUIET", value)
    assert not progress.is_quiet()


def test_a_log_file_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUATIONS_QUIET", raising=False)
    monkeypatch.setattr(progress, "_in_notebook", lambda: False)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert sum(progress.bar([1, 2])) == 3
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_missing_terminal_is_silent(
    stream: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.delenv("EQUATIONS_QUIET", raising=False)
    monkeypatch.setattr(progress, "_in_notebook", lambda: False)
    monkeypatch.setattr(sys, "stderr", closed if stream else None)
    assert progress.is_quiet()
    assert sum(progress.bar([1, 2])) == 3


def test_a_notebook_shows_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUATIONS_QUIET", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", object())
    assert not progress.is_quiet()


def test_a_notebook_without_ipywidgets_gets_no_warning() -> None:
    code = """
import sys, warnings
warnings.simplefilter("error")
import IPython, ipykernel.zmqshell
IPython.get_ipython = lambda: object()
sys.modules["ipywidgets"] = None
from helpers import progress
with progress.bar(total=1) as shown:
    shown.update(1)
print(type(shown).__mro__[1].__module__)
"""
    environment = os.environ | {"EQUATIONS_QUIET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "tqdm.std"  # the plain bar, not the widget
