"""Ours against the field's libraries, as ratios measured in one run.

Absolute times on a shared machine mean little. So each pair runs in alternation, on
the same data and one thread, and the median of the ratios counts. A pair also says how
well the two results agree, because a fast wrong answer is worth nothing.

``make bench`` prints the tables and writes results/chNN.json.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import progress

__all__ = [
    "Pair",
    "Row",
    "coefficients_apart",
    "lost",
    "measure",
    "save",
    "table",
]

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Pair:
    """Two ways to the same result.

    Attributes
    ----------
    task : str
        What is computed, and on what size.
    ours, theirs : callable
        Called without arguments; each returns its result.
    reference : str
        The library and class behind `theirs`.
    gap : callable
        Takes both results; returns how far they are apart, smaller is better.
    allowed : float
        The largest gap at which the two count as equal.
    target : float
        The largest ratio of our time to theirs that we aim for.
    """

    task: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    reference: str
    gap: Callable[[object, object], float]
    allowed: float
    target: float


@dataclass(frozen=True)
class Row:
    """What was measured for one pair; times in seconds, medians over the repeats."""

    task: str
    reference: str
    ours: float
    theirs: float
    ratio: float
    target: float
    gap: float
    allowed: float

    @property
    def met(self) -> bool:
        """Whether the results agree and the time is within the target."""
        return self.gap <= self.allowed and self.ratio <= self.target


def coefficients_apart(ours, theirs) -> float:
    """Return the largest difference, as a share of the largest coefficient."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(f"shapes differ: ours {ours.shape}, theirs {theirs.shape}")
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def lost(ours: float, theirs: float) -> float:
    """Return by how much our score stays behind theirs; never negative."""
    return float(max(0.0, theirs - ours))


def _timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def measure(pairs: list[Pair], repeats: int = 7) -> list[Row]:
    """Run each pair in alternation and return what was measured.

    Parameters
    ----------
    pairs : list of Pair
    repeats : int
        Number of alternations, at least 1; each side runs once before, unmeasured.

    Returns
    -------
    list of Row
        One for each pair.

    Raises
    ------
    ValueError
        When `repeats` is not positive.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    rows = []
    for pair in progress.bar(pairs, description="benchmarks"):
        gap = float(pair.gap(pair.ours(), pair.theirs()))
        times = [(_timed(pair.ours)[0], _timed(pair.theirs)[0]) for _ in range(repeats)]
        ours, theirs = zip(*times)
        rows.append(
            Row(
                pair.task,
                pair.reference,
                statistics.median(ours),
                statistics.median(theirs),
                statistics.median(a / b for a, b in times),
                pair.target,
                gap,
                pair.allowed,
            )
        )
    return rows


def table(rows: list[Row]) -> pd.DataFrame:
    """Return the measured rows as a table for reading."""
    return pd.DataFrame(
        {
            "task": row.task,
            "reference": row.reference,
            "ours (ms)": f"{1e3 * row.ours:.1f}",
            "theirs (ms)": f"{1e3 * row.theirs:.1f}",
            "ours / theirs": f"{row.ratio:.2f}",
            "target": f"≤ {row.target:g}",
            "gap": f"{row.gap:.0e}",
            "": "met" if row.met else "MISSED",
        }
        for row in rows
    )


def save(chapter: str, rows: list[Row], repeats: int) -> Path:
    """Write the rows with machine, date and versions to results/chNN.json.

    Parameters
    ----------
    chapter : str
        ``"ch01"`` for one.
    rows : list of Row
    repeats : int
        As given to `measure`.

    Returns
    -------
    Path
        The file, replaced as a whole.
    """
    packages = ("numpy", "scipy", "scikit-learn", "mlxtend", "torch", "transformers")
    record = {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", "0")),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "repeats": repeats,
        "rows": [asdict(row) | {"met": row.met} for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{chapter}.json"
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path
