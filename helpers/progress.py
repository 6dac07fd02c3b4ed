"""One progress bar for long work: alive for a reader, silent everywhere else."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from typing import Any

__all__ = ["bar", "is_quiet"]


def is_quiet() -> bool:
    """Say whether bars are switched off.

    Returns
    -------
    bool
        True when the environment variable ``EQUATIONS_QUIET`` is set to anything
        but ``0`` or the empty string (tests and stored outputs do), and when
        nobody is watching: standard error is no terminal and this is no notebook.
    """
    if os.environ.get("EQUATIONS_QUIET", "0") not in ("", "0"):
        return True
    return not (_in_notebook() or _in_terminal())


def bar(
    iterable: Iterable[Any] | None = None,
    *,
    total: float | None = None,
    description: str = "",
    unit: str = "it",
) -> Any:
    """Show how far long work has come, and leave nothing behind when it is done.

    Parameters
    ----------
    iterable : iterable, optional
        What to loop over. Leave it out to call ``update`` yourself.
    total : float, optional
        Number of steps; taken from ``len(iterable)`` where that exists.
    description : str, default=""
        Text in front of the bar.
    unit : str, default="it"
        What one step is. ``"B"`` (bytes) is shown as kB, MB, GB.

    Returns
    -------
    tqdm.tqdm
        An iterator over ``iterable`` and a context manager with ``update(n)``. It
        draws nothing when :func:`is_quiet` says so.

    Examples
    --------
    >>> sum(bar([1, 2, 3], description="adding"))
    6
    >>> with bar(total=100, unit="B") as shown:
    ...     _ = shown.update(40)
    """
    return _tqdm()(
        iterable,
        total=total,
        desc=description or None,
        unit=unit,
        unit_scale=unit == "B",
        leave=False,
        dynamic_ncols=True,
        disable=is_quiet(),
    )


def _in_notebook() -> bool:
    """Say whether a Jupyter kernel runs this code (the test that tqdm.auto makes)."""
    kernels = ("ipykernel.zmqshell", "IPython.utils._process_emscripten")
    return any(name in sys.modules for name in kernels)


def _in_terminal() -> bool:
    """Say whether standard error is a terminal; it may be closed or replaced."""
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):
        return False


def _tqdm() -> type:
    """Import tqdm's own choice of bar; without ipywidgets that is plain text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm
