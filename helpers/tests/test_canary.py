"""The canary: nbval fails on a wrong notebook, and no run is green on nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from nbval.plugin import get_sanitize_patterns

from helpers.tests import plugin

SANITIZE = Path(__file__).with_name("sanitize.cfg")
NBVAL = f"--nbval --nbval-current-env --nbval-sanitize-with '{SANITIZE.as_posix()}'"


def write_notebook(path: Path, source: str, printed: str | None) -> None:
    """Write a notebook of one code cell with a stored output, or with none."""
    outputs = []
    if printed is not None:
        outputs.append(v4.new_output("stream", name="stdout", text=printed))
    cell = v4.new_code_cell(source, execution_count=1, outputs=outputs)
    path.parent.mkdir(exist_ok=True)
    nbformat.write(v4.new_notebook(cells=[cell]), path)


def run_pytest(
    root: Path, options: str, testpaths: str = "ch01"
) -> subprocess.CompletedProcess[str]:
    """Run pytest with the book's plugin in a folder of its own."""
    (root / "pytest.ini").write_text(
        "[pytest]\n"
        f"testpaths = {testpaths}\n"
        f"addopts = -p helpers.tests.plugin --color=no -rA {options}\n"
        "filterwarnings = error\n",
        encoding="utf-8",
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest"],
        cwd=root,
        env={**kept, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def test_nbval_compares(tmp_path: Path) -> None:
    """A right notebook passes; a wrong one and a stripped one fail."""
    write_notebook(tmp_path / "ch01" / "01_right.ipynb", "print(1 + 1)", "2\n")
    write_notebook(tmp_path / "ch01" / "02_wrong.ipynb", "print(1 + 2)", "2\n")
    write_notebook(tmp_path / "ch01" / "03_stripped.ipynb", "print(1 + 1)", None)
    run = run_pytest(tmp_path, f"-n 0 {NBVAL}")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    assert "PASSED ch01/01_right.ipynb::Cell 0" in run.stdout
    assert "FAILED ch01/02_wrong.ipynb::Cell 0" in run.stdout
    assert "FAILED ch01/03_stripped.ipynb::Cell 0" in run.stdout
    assert "3 notebooks, 3 code cells run and compared" in run.stdout
    assert "2 failed, 1 passed" in run.stdout.rstrip().splitlines()[-1]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_whole_green_run_counts_its_cells(tmp_path: Path, workers: int) -> None:
    """With and without xdist, the count is printed and the closing line is last."""
    write_notebook(tmp_path / "ch01" / "01_right.ipynb", "print(1 + 1)", "2\n")
    run = run_pytest(tmp_path, f"-n {workers} --dist loadscope {NBVAL}")
    assert run.returncode == pytest.ExitCode.OK, run.stdout + run.stderr
    assert "notebooks: the ten slowest" in run.stdout
    assert "1 notebook, 1 code cell run and compared" in run.stdout
    assert "1 passed" in run.stdout.rstrip().splitlines()[-1]


def test_a_run_without_nbval_fails(tmp_path: Path) -> None:
    """Without --nbval no cell is collected; the run is not green."""
    write_notebook(tmp_path / "ch01" / "01_right.ipynb", "print(1 + 1)", "2\n")
    (tmp_path / "ch01" / "test_other.py").write_text(
        "def test_passes():\n    pass\n", encoding="utf-8"
    )
    run = run_pytest(tmp_path, "-n 0")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    assert "--nbval is off" in run.stdout
    assert "1 passed, 1 error" in run.stdout.rstrip().splitlines()[-1]


def test_a_run_that_misses_a_notebook_fails(tmp_path: Path) -> None:
    """A chapter that is not among the test paths is noticed."""
    write_notebook(tmp_path / "ch01" / "01_right.ipynb", "print(1 + 1)", "2\n")
    write_notebook(tmp_path / "ch02" / "01_trees.ipynb", "print(1 + 1)", "2\n")
    run = run_pytest(tmp_path, f"-n 0 {NBVAL}")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    assert "ch02/01_trees.ipynb: 1 of 1 code cells did not run" in run.stdout


@pytest.mark.parametrize(
    ("printed", "compared"),
    [
        ("<A object at 0x7f0011aabb>", "<A object at ADDRESS>"),
        ("<Figure size 640x480 with 2 Axes>", "<Figure with 2 Axes>"),
        ("numpy 2.4.6, torch==2.13.0+cpu", "numpy VERSION, torch==VERSION"),
        ("scikit-learn: 0.951, ours: 0.951", "scikit-learn: 0.951, ours: 0.951"),
        ("w = [0.5, -1.25], 0x10 = 16", "w = [0.5, -1.25], 0x10 = 16"),
    ],
)
def test_sanitize(printed: str, compared: str) -> None:
    """Addresses and versions are masked; a result never is."""
    for pattern, text in get_sanitize_patterns(SANITIZE.read_text(encoding="ascii")):
        printed = re.sub(pattern, text, printed)
    assert printed == compared


def test_code_cells(tmp_path: Path) -> None:
    """Cells are numbered as nbval does; empty ones do not count."""
    cells = [
        v4.new_markdown_cell("# Title"),
        v4.new_code_cell("1", execution_count=1),
        v4.new_code_cell(" "),
        v4.new_code_cell("# NBVAL_IGNORE_OUTPUT\n2", execution_count=2),
        v4.new_code_cell("3"),
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    expected = {0: True, 2: False, 3: False}
    assert plugin.code_cells(tmp_path / "a.ipynb") == expected


def test_environment_is_fixed() -> None:
    """Whatever the shell says, tests and kernels run in one environment."""
    for name, value in plugin.NOTEBOOK_ENVIRONMENT.items():
        assert os.environ[name] == value
