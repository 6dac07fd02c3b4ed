"""Say what is missing on this machine, and how to mend it.

``python -m helpers.doctor`` prints one line for each thing looked at, OK or FAIL, and
under each FAIL the command that mends it. It uses the standard library only and
imports nothing that could be missing; every version comes from requirements.txt and
pyproject.toml.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import operator
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Finding", "diagnose", "main"]

ROOT = Path(__file__).resolve().parents[1]
MEMORY_NEEDED = 1.2e9  # bytes: the most that one notebook of the book may take

_COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


class Finding(NamedTuple):
    """What was looked at: fine or not, in words, and the command that mends it."""

    ok: bool
    text: str
    mend: str = ""


def diagnose(root: Path = ROOT) -> Iterator[Finding]:
    """Look at Python, the packages, ``helpers``, the data, threads and memory.

    Parameters
    ----------
    root : pathlib.Path, optional
        The folder with requirements.txt and pyproject.toml.

    Yields
    ------
    Finding
        One for each thing looked at. A Python that is too old is the only finding.
    """
    try:
        project = (root / "pyproject.toml").read_text(encoding="utf-8")
        pins = _pins((root / "requirements.txt").read_text(encoding="utf-8"))
    except OSError as error:
        yield Finding(
            False,
            f"book: {error.filename} cannot be read, so this is not a copy of the book",
            "run this in the folder that has README.md: python -m helpers.doctor",
        )
        return
    python = look_at_python(project)
    yield python
    if not python.ok:
        return
    bounds = _bounds(project)
    for name, pin in pins.items():
        yield look_at_package(name, pin, bounds.get(name, ""))
    yield look_at_helpers(root)
    yield from look_at_data()
    yield look_at_threads()
    yield look_at_memory()


def look_at_python(project: str) -> Finding:
    """Compare this Python with ``requires-python`` in the text of pyproject.toml."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    # tomllib is absent from a Python that is too old, so this one line is read alone.
    match = re.search(r'^requires-python\s*=\s*"([^"]+)"', project, re.MULTILINE)
    needed = match.group(1) if match else ""
    if _satisfies(found, needed):
        return Finding(True, f"Python {found}")
    version = _newest_python(needed)
    launcher = f"py -{version}" if sys.platform == "win32" else f"python{version}"
    return Finding(
        False,
        f"Python {found}: the book needs {needed}",
        f"install Python {version}, remove the folder .venv, then: "
        f"{launcher} -m venv .venv",
    )


def look_at_package(name: str, pin: str, bound: str) -> Finding:
    """Compare an installed package with its pin and its bound, without importing it."""
    mend = f'python -m pip install "{name}=={pin}"'
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = None
    if not found:  # None as well when the installation was cut short
        return Finding(False, f"{name} is not installed", mend)
    if found.split("+")[0] == pin:  # 2.13.0+cpu is a build of 2.13.0
        return Finding(True, f"{name} {found}")
    if not _satisfies(found, bound):
        return Finding(False, f"{name} {found}: the book needs {bound}", mend)
    return Finding(True, f"{name} {found} (stored outputs come from {pin})")


def look_at_helpers(root: Path) -> Finding:
    """Ask a fresh Python outside the book which ``helpers`` it imports."""
    mend = "python -m pip install --no-deps --editable ."
    asked = subprocess.run(
        [sys.executable, "-c", "import helpers; print(helpers.__file__)"],
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    if asked.returncode != 0:
        return Finding(False, "helpers: notebooks cannot import it", mend)
    found = asked.stdout.strip()
    expected = (root / "helpers" / "__init__.py").resolve()
    if found == "None" or Path(found).resolve() != expected:
        return Finding(False, f"helpers: notebooks import another one, {found}", mend)
    return Finding(True, f"helpers in {expected.parent}")


def look_at_data() -> Iterator[Finding]:
    """Verify each asset in the cache; one that was never fetched is no fault."""
    try:
        from helpers import data

        for asset in data.ASSETS.values():
            state = data.status(asset, hashes=True)
            mend = "python -m helpers.data"
            if state == "damaged":
                yield Finding(False, f"data {asset}: damaged in {asset.path}", mend)
            elif state == "missing":
                yield Finding(True, f"data {asset}: not fetched yet ({mend} does)")
            else:
                yield Finding(True, f"data {asset} in {asset.path}")
    except ImportError as error:
        mend = "python -m pip install -r requirements.txt"
        yield Finding(False, f"data: cannot be looked at without {error.name}", mend)


def look_at_threads() -> Finding:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return Finding(True, f"threads: {count}")


def look_at_memory() -> Finding:
    """Compare the memory that is free with what one notebook may take."""
    free = free_memory()
    if free is None:
        return Finding(True, "memory: this system does not say how much is free")
    text = f"memory: {free / 1e9:.1f} GB free"
    if free >= MEMORY_NEEDED:
        return Finding(True, text)
    return Finding(
        False,
        f"{text}, a notebook may take {MEMORY_NEEDED / 1e9:.1f} GB",
        "in JupyterLab: Kernel > Shut Down All Kernels; then close other programs",
    )


def free_memory() -> float | None:
    """Measure the memory that a new program can have.

    Returns
    -------
    float or None
        Bytes, within the limit of the container where there is one; None where the
        system does not tell.
    """
    amounts = [
        amount for amount in (_free_in_machine(), _free_in_container()) if amount
    ]
    return min(amounts, default=None)


def _free_in_machine() -> float | None:
    """Ask psutil if it is there (Jupyter brings it), otherwise the system."""
    try:
        import psutil

        return float(psutil.virtual_memory().available)
    except ImportError:
        pass
    if sys.platform == "win32":
        return _free_in_windows()
    try:
        meminfo = Path("/proc/meminfo").read_text(encoding="utf-8")
        return 1024 * float(re.search(r"MemAvailable:\s+(\d+) kB", meminfo).group(1))
    except (OSError, AttributeError):
        pass
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return None


def _free_in_windows() -> float | None:
    """Call GlobalMemoryStatusEx."""

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((f"amount{i}", ctypes.c_uint64) for i in range(7)),
        ]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return float(status.amount1)  # total, then available physical memory


def _free_in_container(folder: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Read what a Linux container may still take; its file cache can be dropped."""
    try:
        limit = float((folder / "memory.max").read_text(encoding="utf-8"))
        used = float((folder / "memory.current").read_text(encoding="utf-8"))
        details = (folder / "memory.stat").read_text(encoding="utf-8")
    except (OSError, ValueError):  # no container, or "max": no limit
        return None
    cache = re.search(r"^inactive_file (\d+)", details, re.MULTILINE)
    return max(1.0, limit - used + (float(cache.group(1)) if cache else 0.0))


def _pins(requirements: str) -> dict[str, str]:
    """Read ``name==version`` lines."""
    lines = re.findall(r"^([\w.-]+)==([^\s;#]+)", requirements, re.MULTILINE)
    return {name.lower(): version for name, version in lines}


def _bounds(project: str) -> dict[str, str]:
    """Read ``name>=version`` from ``[project] dependencies``."""
    import tomllib

    found = {}
    for requirement in tomllib.loads(project)["project"]["dependencies"]:
        name, bound = re.match(r"([\w.-]+)\s*([^;]*)", requirement).groups()
        found[name.lower()] = bound.strip()
    return found


def _satisfies(version: str, bound: str) -> bool:
    """Compare release numbers with a bound such as ``>=3.11,<3.14``."""
    for part in filter(None, (part.strip() for part in bound.split(","))):
        match = re.match(r"(>=|<=|==|!=|>|<)\s*([\d.]+)$", part)
        if match is None:
            raise ValueError(f"cannot read the bound {part!r}")
        sign, limit = match.groups()
        if not _COMPARE[sign](_release(version), _release(limit)):
            return False
    return True


def _release(version: str) -> tuple[int, ...]:
    """Turn ``2.13.0+cpu`` into (2, 13); zeros at the end say nothing."""
    digits = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in digits.group().split(".")] if digits else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _newest_python(needed: str) -> str:
    """Name the newest minor version below an upper bound, else the lowest one."""
    if match := re.search(r"<\s*(\d+)\.(\d+)", needed):
        return f"{match.group(1)}.{int(match.group(2)) - 1}"
    match = re.search(r">=\s*([\d.]+)", needed)
    return match.group(1) if match else "3"


def main() -> int:
    """Print the findings.

    Returns
    -------
    int
        1 if anything failed, otherwise 0.
    """
    if hasattr(sys.stdout, "reconfigure"):  # a folder's name may not fit cp1252
        sys.stdout.reconfigure(errors="backslashreplace")
    failures = 0
    for finding in diagnose():
        print(f"{'OK' if finding.ok else 'FAIL':<5} {finding.text}")
        if not finding.ok:
            failures += 1
            print(f"      {finding.mend}")
    if failures:
        print(f"\n{failures} to mend: run the commands above in the book's folder.")
        print("All packages at once: python -m pip install -r requirements.txt")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
