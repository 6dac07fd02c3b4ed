"""The pytest plugin of the book: one environment, and a count of what really ran.

nbval passes on nothing: without ``--nbval`` it collects no cell, and the run is
green. This plugin counts the cells that ran, names the slowest notebooks, and
fails a run of the whole suite in which a code cell of the book did not run.
It is loaded early (``-p helpers.tests.plugin`` in pyproject.toml) and imports
the standard library and pytest only, so that the environment below is in place
before NumPy or a kernel starts.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

NOTEBOOK_ENVIRONMENT: dict[str, str] = {
    # One thread per notebook: sums are added in the same order everywhere.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    # Sets of strings iterate in the same order everywhere.
    "PYTHONHASHSEED": "0",
    # Outputs are those of a CPU, on machines with a GPU too.
    "CUDA_VISIBLE_DEVICES": "-1",
    # No window opens; figures are stored.
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # helpers.progress draws no bar.
    "EQUATIONS_QUIET": "1",
    # No notebook downloads anything.
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # The debugger says nothing about frozen modules.
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""Environment of every kernel, in the tests and in ``make run``."""

os.environ.update(NOTEBOOK_ENVIRONMENT)  # xdist's workers and all kernels inherit it

CELL = re.compile(r"(?P<notebook>.+\.ipynb)::Cell (?P<number>\d+)$")
IGNORES_OUTPUT = re.compile(r"^\s*#\s*NBVAL_IGNORE_OUTPUT\s*$", re.MULTILINE)
NARROWING = (
    "keyword",
    "markexpr",
    "deselect",
    "ignore",
    "ignore_glob",
    "lf",
    "stepwise",
    "collectonly",
)


def notebooks(root: Path) -> list[Path]:
    """Return the notebooks of the book in reading order.

    Parameters
    ----------
    root : Path
        The folder that holds ``ch01`` to ``ch06``.

    Returns
    -------
    list of Path
        ``chNN/KK_name.ipynb``, without checkpoints.
    """
    return sorted(root.glob("ch0[1-6]/[0-9][0-9]_*.ipynb"))


def code_cells(notebook: Path) -> dict[int, bool]:
    """Number the code cells of a notebook as nbval does.

    Parameters
    ----------
    notebook : Path
        The notebook's file.

    Returns
    -------
    dict of int to bool
        For each code cell that is not empty, its number, counted from 0 over all
        code cells, and whether nbval compares its stored output.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    found = {}
    code = (cell for cell in cells if cell["cell_type"] == "code")
    for number, cell in enumerate(code):
        source = "".join(cell["source"])
        tags = cell.get("metadata", {}).get("tags", [])
        ignored = "nbval-ignore-output" in tags or IGNORES_OUTPUT.search(source)
        if source.strip():
            found[number] = cell.get("execution_count") is not None and not ignored
    return found


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class NotebookCount:
    """Count the notebook cells that ran and judge whether they are all.

    Parameters
    ----------
    config : pytest.Config
        The configuration of the session's controller.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.seconds: dict[str, float] = defaultdict(float)
        self.ran: dict[str, set[int]] = defaultdict(set)

    def whole_suite(self) -> bool:
        """Tell whether this run was asked to run everything."""
        options = self.config.option
        at_root = self.config.invocation_params.dir == self.config.rootpath
        narrowed = any(getattr(options, name, None) for name in NARROWING)
        return at_root and not narrowed and not options.file_or_dir

    def missing(self) -> list[str]:
        """Name what a run of the whole suite should have run and did not.

        Returns
        -------
        list of str
            One sentence for each notebook with cells that did not run.
        """
        root = self.config.rootpath
        if not (getattr(self.config.option, "nbval", False)):
            return ["no notebook was compared: --nbval is off (see pyproject.toml)"]
        sentences = []
        for path in notebooks(root):
            name = path.relative_to(root).as_posix()
            expected = code_cells(path)
            left = len(expected.keys() - self.ran[name])
            if left:
                sentences.append(
                    f"{name}: {left} of {len(expected)} code cells did not run"
                )
        return sentences

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one report of a notebook cell."""
        match = CELL.match(report.nodeid)
        if match is None:
            return
        self.seconds[match["notebook"]] += report.duration
        if report.when == "call" and report.outcome in {"passed", "failed"}:
            self.ran[match["notebook"]].add(int(match["number"]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run of the whole suite in which a cell did not run."""
        finished = {
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        }
        stopped = session.shouldstop or session.shouldfail
        if exitstatus not in finished or stopped or not self.whole_suite():
            return
        sentences = self.missing()
        if not sentences:
            return
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        report = pytest.TestReport(
            nodeid="the whole suite",
            location=("helpers/tests/plugin.py", None, "the whole suite"),
            keywords={},
            outcome="failed",
            longrepr="Not every code cell of the book ran: " + "; ".join(sentences),
            when="teardown",
        )
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.stats.setdefault("error", []).append(report)

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Print the slowest notebooks and the number of cells that ran."""
        ran = {name: numbers for name, numbers in self.ran.items() if numbers}
        if not ran:
            return
        terminalreporter.section("notebooks: the ten slowest")
        slowest = sorted(self.seconds, key=lambda name: -self.seconds[name])[:10]
        for name in slowest:
            terminalreporter.line(f"{self.seconds[name]:8.1f} s  {name}")
        total = sum(map(len, ran.values()))
        line = f"{_count(len(ran), 'notebook')}, {_count(total, 'code cell')} "
        line += "run and compared"
        alone = 0
        for name, numbers in ran.items():
            path = self.config.rootpath / name
            if path.is_file():
                compared = code_cells(path)
                alone += sum(not compared.get(number, True) for number in numbers)
        if alone:
            line += f", {alone} of them run only (their output may differ)"
        terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Register the count on the controller and anchor nbval's sanitize file."""
    sanitize = getattr(config.option, "nbval_sanitize_with", None)
    if sanitize:  # nbval reads it relative to the current folder
        config.option.nbval_sanitize_with = str(config.rootpath / sanitize)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NotebookCount(config), "notebook-count")
