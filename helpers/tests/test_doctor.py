"""Tests of helpers.doctor: each ailment is found, and named with its remedy."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import data, doctor

PYPROJECT = """
[project]
requires-python = ">=3.11,<3.14"
dependencies = ["numpy>=2.1", "Torch >= 2.13", "pytest>=8.3; python_version > '3'"]
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """The packages that seem to be installed: fill in what a test needs."""
    versions: dict[str, str | None] = {}

    def version(name: str) -> str | None:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    return versions


def test_the_files_of_the_book_are_read() -> None:
    requirements = (doctor.ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = doctor._pins(requirements)
    bounds = doctor._bounds((doctor.ROOT / "pyproject.toml").read_text("utf-8"))
    assert {"numpy", "torch", "jupyterlab", "pytest-xdist"} <= set(pins)
    assert set(pins) == set(bounds)
    assert all(doctor._satisfies(pins[name], bounds[name]) for name in pins)


def test_pins_are_read_and_comments_are_not() -> None:
    text = "# a==1\nNumPy==2.4.6   # arrays\nb==1.0; python_version > '3'\n-e .\nc>=2\n"
    assert doctor._pins(text) == {"numpy": "2.4.6", "b": "1.0"}


def test_bounds_are_read() -> None:
    expected = {"numpy": ">=2.1", "torch": ">= 2.13", "pytest": ">=8.3"}
    assert doctor._bounds(PYPROJECT) == expected


@pytest.mark.parametrize(
    ("version", "bound", "expected"),
    [
        ("2.10.0", ">=2.9", True),
        ("2.9", ">=2.10", False),
        ("2.1", ">=2.1.0", True),
        ("2.13.0+cpu", ">=2.13", True),
        ("3.14.0", ">=3.11,<3.14", False),
        ("3.13.9", ">=3.11,<3.14", True),
        ("1.0", "==1.0.0", True),
        ("1.0", "!=1.0", False),
        ("1.0", "", True),
    ],
)
def test_versions_compare_as_numbers(version: str, bound: str, expected: bool) -> None:
    assert doctor._satisfies(version, bound) is expected


def test_an_unknown_bound_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="cannot read the bound"):
        doctor._satisfies("2.1", "~=2.1")


def test_a_package_at_its_pin(installed: dict[str, str | None]) -> None:
    installed["numpy"] = "2.4.6"
    assert doctor.look_at_package("numpy", "2.4.6", ">=2.1") == (
        True,
        "numpy 2.4.6",
        "",
    )


def test_a_build_for_the_cpu_is_at_its_pin(installed: dict[str, str | None]) -> None:
    installed["torch"] = "2.13.0+cpu"
    finding = doctor.look_at_package("torch", "2.13.0", ">=2.13")
    assert finding.ok and "stored outputs" not in finding.text


def test_a_package_off_its_pin_is_noted(installed: dict[str, str | None]) -> None:
    installed["numpy"] = "2.3.0"
    finding = doctor.look_at_package("numpy", "2.4.6", ">=2.1")
    assert finding.ok
    assert finding.text == "numpy 2.3.0 (stored outputs come from 2.4.6)"


@pytest.mark.parametrize(
    ("version", "text"),
    [("1.26.4", "numpy 1.26.4: the book needs >=2.1"), (None, "is not installed")],
)
def test_an_old_or_broken_package_fails(
    version: str | None, text: str, installed: dict[str, str | None]
) -> None:
    installed["numpy"] = version
    finding = doctor.look_at_package("numpy", "2.4.6", ">=2.1")
    assert not finding.ok
    assert text in finding.text
    assert finding.mend == 'python -m pip install "numpy==2.4.6"'


def test_a_missing_package_fails(installed: dict[str, str | None]) -> None:
    finding = doctor.look_at_package("numpy", "2.4.6", ">=2.1")
    assert not finding.ok
    assert finding.text == "numpy is not installed"


@pytest.mark.parametrize(
    ("version", "ok"),
    [((3, 10, 14), False), ((3, 11, 0), True), ((3, 13, 5), True), ((3, 14, 0), False)],
)
@pytest.mark.parametrize(
    ("platform", "command"),
    [("linux", "python3.13 -m venv .venv"), ("win32", "py -3.13 -m venv .venv")],
)
def test_python_itself(
    version: tuple[int, ...],
    ok: bool,
    platform: str,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", version)
    monkeypatch.setattr(doctor.sys, "platform", platform)
    finding = doctor.look_at_python(PYPROJECT)
    assert finding.ok is ok
    assert finding.mend.endswith("" if ok else command)
    assert bool(finding.mend) is not ok


def test_a_python_that_is_too_old_is_the_only_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n", encoding="utf-8")
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 14))
    monkeypatch.setitem(sys.modules, "tomllib", None)
    findings = list(doctor.diagnose(tmp_path))
    assert len(findings) == 1
    assert "Python 3.10.14: the book needs >=3.11,<3.14" in findings[0].text


def test_a_folder_that_is_not_the_book(tmp_path: Path) -> None:
    findings = list(doctor.diagnose(tmp_path))
    assert [finding.ok for finding in findings] == [False]
    assert "not a copy of the book" in findings[0].text


def test_helpers_is_the_one_of_this_book() -> None:
    finding = doctor.look_at_helpers(doctor.ROOT)
    assert finding.ok, finding.text


def test_another_helpers_is_found(tmp_path: Path) -> None:
    finding = doctor.look_at_helpers(tmp_path)
    assert not finding.ok
    assert "another one" in finding.text
    assert finding.mend == "python -m pip install --no-deps --editable ."


def test_no_helpers_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "helpers.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = doctor.look_at_helpers(doctor.ROOT)
    assert not finding.ok
    assert "cannot import" in finding.text


def test_the_data_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUATIONS_CACHE", str(tmp_path))
    damaged, *missing = data.ASSETS.values()
    damaged.path.mkdir()
    first, *others = doctor.look_at_data()
    assert not first.ok
    assert "damaged" in first.text
    assert first.mend == "python -m helpers.data"
    assert len(others) == len(missing)
    assert all(finding.ok and "not fetched yet" in finding.text for finding in others)


def test_the_data_cache_without_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUATIONS_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    (finding,) = doctor.look_at_data()
    assert not finding.ok
    assert "without platformdirs" in finding.text


def test_threads() -> None:
    assert 1 <= int(doctor.look_at_threads().text.split()[-1]) <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("free", "ok", "text"),
    [
        (1.3e9, True, "1.3 GB free"),
        (1.1e9, False, "may take 1.2 GB"),
        (None, True, "does not say"),
    ],
)
def test_memory(
    free: float | None, ok: bool, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "free_memory", lambda: free)
    finding = doctor.look_at_memory()
    assert finding.ok is ok
    assert text in finding.text
    assert bool(finding.mend) is not ok


def test_memory_without_psutil_is_about_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    psutil = pytest.importorskip("psutil")
    memory = psutil.virtual_memory()
    monkeypatch.setitem(sys.modules, "psutil", None)
    free = doctor._free_in_machine()
    if free is None:
        pytest.skip("this system does not tell without psutil")
    assert abs(free - memory.available) < 0.3 * memory.total


def write_cgroup(folder: Path, limit: str) -> None:
    """Write the files in which Linux describes a container."""
    for name, text in [
        ("memory.max", f"{limit}\n"),
        ("memory.current", "1500000000\n"),
        ("memory.stat", "anon 1\ninactive_file 400000000\n"),
    ]:
        (folder / name).write_text(text, encoding="utf-8")


def test_memory_of_a_container(tmp_path: Path) -> None:
    write_cgroup(tmp_path, limit="2000000000")
    assert doctor._free_in_container(tmp_path) == 900_000_000


def test_a_container_without_limit(tmp_path: Path) -> None:
    write_cgroup(tmp_path, limit="max")
    assert doctor._free_in_container(tmp_path) is None
    assert doctor._free_in_container(tmp_path / "absent") is None


def test_the_tighter_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_free_in_machine", lambda: 8e9)
    monkeypatch.setattr(doctor, "_free_in_container", lambda: 9e8)
    assert doctor.free_memory() == 9e8
    monkeypatch.setattr(doctor, "_free_in_container", lambda: None)
    assert doctor.free_memory() == 8e9


def test_failures_are_printed_with_their_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [doctor.Finding(True, "fine"), doctor.Finding(False, "bad", "mend it")]
    monkeypatch.setattr(doctor, "diagnose", lambda: iter(findings))
    assert doctor.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["OK    fine", "FAIL  bad", "      mend it"]
    monkeypatch.setattr(doctor, "diagnose", lambda: iter(findings[:1]))
    assert doctor.main() == 0


def test_it_runs_where_no_package_is_installed() -> None:
    command = [sys.executable, "-S", "-m", "helpers.doctor"]
    done = subprocess.run(
        command, cwd=doctor.ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 1
    assert "FAIL  numpy is not installed" in done.stdout
    assert done.stderr == ""
    for line, following in zip(done.stdout.splitlines(), done.stdout.splitlines()[1:]):
        if line.startswith("FAIL"):
            assert following.startswith("      ")
