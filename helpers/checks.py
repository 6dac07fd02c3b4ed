"""The claims a notebook proves, each in one line that raises when it is false.

Every check prints ``✓ claim (tolerance)`` when it holds, raises ``AssertionError``
with both values when it does not, and enters the notebook's ledger. A check can
never pass on nothing: an empty array, a NaN, or two shapes that differ make it fail
with a sentence that says so.

>>> from helpers import checks as check
>>> check.close("two halves make one", 0.5 + 0.5, 1.0, atol=1e-12)
✓ two halves make one (atol 1e-12)
"""

from __future__ import annotations

import re
import statistics
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = [
    "between",
    "catches",
    "close",
    "equal",
    "estimator",
    "faster",
    "gradient",
    "ledger",
    "less",
    "raises",
    "true",
]


class CannotCheck(AssertionError):
    """The check was called on something that proves nothing."""


@dataclass(frozen=True)
class _Entry:
    claim: str
    method: str
    reference: str
    tolerance: str


_entries: dict[str, _Entry] = {}
_muted = False


def _passed(claim, method, reference, tolerance):
    """Print the line of a check that holds, and keep it for the ledger."""
    if not isinstance(claim, str) or not claim.strip() or "\n" in claim:
        raise CannotCheck(f"a claim is one line of text, got {claim!r}")
    if _muted:
        return
    _entries[claim] = _Entry(claim, method, reference, tolerance)
    print(f"✓ {claim} ({tolerance})" if tolerance != "—" else f"✓ {claim}")


def _array(claim, name, value, *, finite=True):
    """Return `value` as an array that holds at least one number, and no NaN."""
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has no such type
            value = value.float()
        value = value.numpy()
    array = np.asarray(value)
    if array.size == 0:
        raise CannotCheck(f"{claim}: the {name} value is empty, nothing was compared")
    if array.dtype.kind not in "biufc":
        raise CannotCheck(
            f"{claim}: the {name} value must hold numbers, it has dtype {array.dtype}"
        )
    if finite and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise CannotCheck(
            f"{claim}: the {name} value holds {bad} NaN or infinite of {array.size}"
        )
    return array


def _same_shape(claim, actual, expected):
    if actual.shape != expected.shape:
        raise CannotCheck(
            f"{claim}: shapes differ, actual {actual.shape}, expected {expected.shape}"
        )


def _show(array, where=()):
    """Format the value at one place of an array, for an error message."""
    value = array[where].item()
    return str(value) if isinstance(value, complex) else f"{value:.10g}"


def close(claim, actual, expected, *, atol=0.0, rtol=0.0, reference="—"):
    """Check that two arrays agree: ``|actual − expected| ≤ atol + rtol·|expected|``.

    Parameters
    ----------
    claim : str
        What is shown, as one sentence; it is the key of the ledger.
    actual, expected : array_like
        Arrays of equal shape (NumPy, pandas or torch), or two scalars.
    atol, rtol : float
        Absolute and relative tolerance; at least one is positive.
    reference : str
        Who says so: the library, the theorem or the hand computation behind
        `expected`.

    Raises
    ------
    AssertionError
        When an element differs by more, a value is NaN or infinite, the shapes
        differ, or an array is empty.
    """
    if not (atol >= 0 and rtol >= 0 and atol + rtol > 0):
        raise CannotCheck(f"{claim}: give a positive atol or rtol, or use check.equal")
    actual = _array(claim, "actual", actual)
    expected = _array(claim, "expected", expected)
    _same_shape(claim, actual, expected)
    error = np.abs(np.subtract(actual, expected, dtype=_wide(actual, expected)))
    excess = error - (atol + rtol * np.abs(expected))
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    tolerance = _tolerance(atol=atol, rtol=rtol)
    if excess[worst] > 0:
        place = f" at {tuple(int(i) for i in worst)}" if worst else ""
        raise AssertionError(
            f"{claim}: actual {_show(actual, worst)}, expected "
            f"{_show(expected, worst)}{place}, difference {error[worst]:.3g} "
            f"({tolerance}; {int((excess > 0).sum())} of {excess.size} differ)"
        )
    _passed(claim, "close", reference, tolerance)


def _wide(*arrays):
    kind = np.result_type(*arrays)
    return np.complex128 if kind.kind == "c" else np.float64


def _tolerance(**names):
    shown = {name: f"{value:.0e}" for name, value in names.items() if value}
    for name, text in shown.items():
        if float(text) != names[name]:  # more than one digit, 0.25 for one
            shown[name] = f"{names[name]:g}"
    return ", ".join(f"{name} {text}" for name, text in shown.items())


def equal(claim, actual, expected, *, reference="—"):
    """Check that two values are the same, exactly.

    Parameters
    ----------
    claim : str
        What is shown.
    actual, expected : object
        Arrays of equal shape (of numbers, booleans or text), or any two objects
        that compare with ``==``, such as strings, tuples and sets; not empty.
    reference : str
        Who says so.

    Raises
    ------
    AssertionError
        When they differ, are empty, differ in shape, or hold NaN.
    """
    if all(_is_plain(value) for value in (actual, expected)):
        if not actual and not expected:
            raise CannotCheck(f"{claim}: both values are empty, nothing was compared")
        if type(actual) is not type(expected) or actual != expected:
            raise AssertionError(f"{claim}: actual {actual!r}, expected {expected!r}")
    else:
        _equal_arrays(claim, actual, expected)
    _passed(claim, "equal", reference, "exact")


def _is_plain(value):
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (str, bytes, dict, set, frozenset, type(None)))


def _equal_arrays(claim, actual, expected):
    if hasattr(actual, "detach"):  # a torch tensor
        actual = actual.detach().cpu()
    try:
        kind = np.asarray(actual).dtype.kind
    except ValueError as error:  # rows of different lengths
        raise CannotCheck(
            f"{claim}: the actual value is neither an array nor plain"
        ) from error
    if kind in "biufc":
        actual = _array(claim, "actual", actual)
        expected = _array(claim, "expected", expected)
    else:
        actual, expected = np.asarray(actual), np.asarray(expected)
        if actual.size == 0:
            raise CannotCheck(f"{claim}: the actual value is empty")
    _same_shape(claim, actual, expected)
    differ = np.asarray(actual != expected)
    if differ.any():
        where = tuple(int(i) for i in np.argwhere(differ)[0])
        place = f" at {where}" if where else ""
        raise AssertionError(
            f"{claim}: actual {actual[where].item()!r}, expected "
            f"{expected[where].item()!r}{place} "
            f"({int(differ.sum())} of {differ.size} differ)"
        )


def less(claim, smaller, larger, *, reference="—"):
    """Check that ``smaller < larger``, element by element.

    Parameters
    ----------
    claim : str
        What is shown.
    smaller, larger : array_like
        Finite numbers; a scalar on either side is compared with every element.
    reference : str
        Who says so: usually the theorem behind the inequality.

    Raises
    ------
    AssertionError
        When one pair is in the wrong order or tied, or nothing was compared.
    """
    smaller = _array(claim, "smaller", smaller)
    larger = _array(claim, "larger", larger)
    if smaller.ndim and larger.ndim:
        _same_shape(claim, smaller, larger)
    low, high = np.broadcast_arrays(smaller, larger)
    wrong = ~(low < high)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{claim}: {_show(low, where)} is not less than {_show(high, where)} "
            f"({int(wrong.sum())} of {wrong.size} are wrong)"
        )
    _passed(claim, "inequality", reference, "—")


def between(claim, value, low, high, *, reference="—"):
    """Check that every element of `value` lies in the closed range [low, high].

    Parameters
    ----------
    claim : str
        What is shown.
    value : array_like
        Finite numbers.
    low, high : float
        The range that the sentence claims, ``low < high``.
    reference : str
        Who says so.

    Raises
    ------
    AssertionError
        When an element lies outside, or nothing was compared.
    """
    value = _array(claim, "actual", value)
    if not low < high:
        raise CannotCheck(f"{claim}: the range [{low:g}, {high:g}] is empty")
    wrong = (value < low) | (value > high)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{claim}: {_show(value, where)} lies outside [{low:g}, {high:g}]"
        )
    _passed(claim, "range", reference, f"in [{low:g}, {high:g}]")


def true(claim, condition, *, reference="—"):
    """Check an invariant: a boolean, or an array of booleans that must all hold.

    Parameters
    ----------
    claim : str
        What is shown.
    condition : bool or array_like of bool
        Must be boolean: a number that merely counts as true is refused.
    reference : str
        Who says so.

    Raises
    ------
    AssertionError
        When one is false, the array is empty, or the values are not booleans.
    """
    condition = _array(claim, "condition's", condition)
    if condition.dtype.kind != "b":
        raise CannotCheck(
            f"{claim}: the condition must be boolean, it has dtype {condition.dtype}"
        )
    if not condition.all():
        raise AssertionError(
            f"{claim}: false at {int((~condition).sum())} of {condition.size} places"
        )
    _passed(claim, "invariant", reference, "—")


def gradient(claim, function, gradient, *, at, rtol=1e-6, step=None):
    """Check a gradient against central differences.

    For each coordinate the slope is ``(f(x + h) − f(x − h)) / 2h``, whose error is
    of order h²; the difference is measured against the largest slope, so that a
    coordinate whose slope is zero does not ask for the impossible.

    Parameters
    ----------
    claim : str
        What is shown.
    function : callable
        Maps an array of the shape of `at` to one number.
    gradient : array_like
        The gradient to be checked, of the shape of `at`.
    at : array_like
        The point; its entries should not be special (all zeros, say).
    rtol : float
        Largest difference over largest slope.
    step : float, optional
        h, in units of ``max(1, |x|)``; by default the cube root of the machine's
        epsilon, which balances truncation against rounding.

    Raises
    ------
    AssertionError
        When a slope differs, every slope is zero, or a value is NaN.
    """
    point = np.array(_array(claim, "point's", at), dtype=np.float64)
    gradient = _array(claim, "gradient's", gradient)
    _same_shape(claim, gradient, point)
    step = np.finfo(np.float64).eps ** (1 / 3) if step is None else step
    slopes = np.empty_like(point)
    for index in np.ndindex(point.shape):
        h = step * max(1.0, abs(point[index]))
        ends = []
        for sign in (1, -1):
            moved = point.copy()
            moved[index] += sign * h
            ends.append(_array(claim, "function's", function(moved)))
            if ends[-1].size != 1:
                raise CannotCheck(f"{claim}: the function must return one number")
        slopes[index] = (ends[0].item() - ends[1].item()) / (2 * h)
    scale = max(np.abs(slopes).max(), np.abs(gradient).max())
    if scale == 0:
        raise CannotCheck(f"{claim}: every slope is zero here, choose another point")
    error = np.abs(gradient - slopes)
    worst = np.unravel_index(np.argmax(error), error.shape)
    if error[worst] > rtol * scale:
        raise AssertionError(
            f"{claim}: actual {_show(gradient, worst)}, central difference "
            f"{_show(slopes, worst)} at {tuple(int(i) for i in worst)} "
            f"(rtol {rtol:.0e} of {scale:.3g})"
        )
    _passed(claim, "gradient", "central differences", _tolerance(rtol=rtol))


def raises(claim, exception, function, *, match=None):
    """Check that a call is refused with the right error.

    Parameters
    ----------
    claim : str
        What is shown.
    exception : type
        The expected exception.
    function : callable
        Called without arguments.
    match : str, optional
        A regular expression to be found in the message.

    Raises
    ------
    AssertionError
        When nothing is raised, something else is, or the message differs.
    """
    try:
        function()
    except exception as error:
        if match is not None and not re.search(match, str(error)):
            raise AssertionError(
                f"{claim}: the message is {str(error)!r}, expected {match!r} in it"
            ) from error
    except Exception as error:
        raise AssertionError(
            f"{claim}: raised {type(error).__name__}, expected {exception.__name__}"
        ) from error
    else:
        name = exception.__name__
        raise AssertionError(f"{claim}: nothing was raised, expected {name}")
    _passed(claim, "error", exception.__name__, "—")


@contextmanager
def _mute():
    global _muted
    before, _muted = _muted, True
    try:
        yield
    finally:
        _muted = before


def catches(claim, function):
    """Negative control: check that a planted mistake makes another check fail.

    Parameters
    ----------
    claim : str
        What is shown: which mistake is caught.
    function : callable
        Calls one or more checks on the mistaken code, without arguments. A check
        that could not be made (NaN, empty, shapes) does not count as a catch.

    Raises
    ------
    AssertionError
        When the mistake goes unnoticed.
    """
    try:
        with _mute():
            function()
    except CannotCheck as error:
        raise CannotCheck(f"{claim}: the inner check is void: {error}") from error
    except AssertionError:
        _passed(claim, "negative control", "planted mistake", "—")
    else:
        raise AssertionError(f"{claim}: the planted mistake went unnoticed")


def faster(claim, fast, slow, *, ratio=1.0, repeats=5):
    """Check that one call takes at most 1/ratio of the other's time.

    The two run in alternation, so that a busy machine slows both; the median of
    the ratios counts.

    Parameters
    ----------
    claim : str
        What is shown.
    fast, slow : callable
        Called without arguments.
    ratio : float
        How many times faster, at least.
    repeats : int
        Number of pairs, at least 3.

    Raises
    ------
    AssertionError
        When the median ratio is smaller.
    """
    if repeats < 3:
        raise CannotCheck(f"{claim}: a median needs at least 3 repeats, got {repeats}")
    ratios = [_seconds(slow) / _seconds(fast) for _ in range(repeats)]
    measured = statistics.median(ratios)
    if measured < ratio:
        raise AssertionError(f"{claim}: {measured:.2f}× as fast, expected {ratio:g}×")
    _passed(claim, "timing", "same machine, alternating", f"at least {ratio:g}×")


def _seconds(function):
    start = time.perf_counter()
    function()
    return max(time.perf_counter() - start, 1e-9)


def estimator(model, *, expected_failures=None):
    """Check that a class is a full citizen of scikit-learn, by ``check_estimator``.

    Parameters
    ----------
    model : estimator
        An instance, with the parameters it is to be checked with.
    expected_failures : dict of str to str, optional
        Checks that are allowed to fail, each with the reason; none by default.

    Raises
    ------
    AssertionError
        When a check fails, or when the class excuses itself by a tag
        (`no_validation`, `non_deterministic`, `poor_score`).
    """
    from sklearn.utils import get_tags
    from sklearn.utils.estimator_checks import check_estimator

    name = type(model).__name__
    claim = f"{name} passes scikit-learn's check_estimator"
    _refuse_excuses(claim, get_tags(model))
    reasons: dict[str, str] = expected_failures or {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(
            model, expected_failed_checks=reasons, on_skip=None, on_fail=None
        )
    failed = [r for r in results if r["status"] == "failed"]
    if failed:
        first = failed[0]
        raise AssertionError(
            f"{claim}: {len(failed)} of {len(results)} checks fail, the first is "
            f"{first['check_name']}: {first['exception']}"
        ) from first["exception"]
    if sum(r["status"] == "passed" for r in results) < 20:
        raise CannotCheck(f"{claim}: fewer than 20 checks were run")
    tolerance = "—" if not reasons else f"except {', '.join(sorted(reasons))}"
    _passed(claim, "interface", "scikit-learn check_estimator", tolerance)


def _refuse_excuses(claim, tags):
    excuses = {
        "no_validation": tags.no_validation,
        "non_deterministic": tags.non_deterministic,
        "_skip_test": getattr(tags, "_skip_test", False),
        "poor_score": any(
            kind is not None and kind.poor_score
            for kind in (tags.classifier_tags, tags.regressor_tags)
        ),
    }
    used = [name for name, value in excuses.items() if value]
    if used:
        raise CannotCheck(f"{claim}: it excuses itself by the tags {', '.join(used)}")


class Ledger(pd.DataFrame):
    """A data frame that shows every row and every claim in full."""

    def _repr_html_(self):
        with pd.option_context("display.max_colwidth", None, "display.max_rows", None):
            return super()._repr_html_()

    def __repr__(self):
        return self.to_string(max_colwidth=None)


def ledger():
    """Return the table of what the notebook proved, in the order it was proved.

    Returns
    -------
    pandas.DataFrame
        Columns claim, method, reference, tolerance; numbered from 1.

    Raises
    ------
    AssertionError
        When no check was made.
    """
    if not _entries:
        raise CannotCheck("the ledger is empty: no check has been made")
    rows = [vars(entry) for entry in _entries.values()]
    return Ledger(rows, index=pd.RangeIndex(1, len(rows) + 1))


def clear():
    """Forget every check made so far (for tests of this module)."""
    _entries.clear()
