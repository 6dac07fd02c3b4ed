# Generated from ch03/04_comparing_models.ipynb by `make export`: do not edit.
"""What ch03/04_comparing_models.ipynb exports for other notebooks."""

__all__ = ['mcnemar_table', 'Result', 'mcnemar_exact', 'mcnemar_chi2', 'mcnemar', 'all_signs', 'permutation_test',
           'cochran_statistic', 'cochrans_q', 'paired_t_resampled', 'paired_t_kfold', 'paired_t_corrected',
           'halves_variance', 'paired_t_5x2cv', 'combined_f_5x2cv', 'Adjusted', 'bonferroni', 'holm',
           'benjamini_hochberg', 'score_differences']


from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv


def _labels(*arrays):
    arrays = [np.asarray(array) for array in arrays]
    if any(array.ndim != 1 for array in arrays):
        raise ValueError("labels and predictions must be one-dimensional")
    if len({len(array) for array in arrays}) > 1:
        lengths = [len(array) for array in arrays]
        raise ValueError(f"labels and predictions differ in length: {lengths}")
    if len(arrays[0]) == 0:
        raise ValueError("there is no test point to compare on")
    return arrays


def mcnemar_table(y, y_a, y_b):
    """Count on which test points two models are right.

    Parameters
    ----------
    y, y_a, y_b : array_like (n,)
        True labels, predictions of model A, predictions of model B.

    Returns
    -------
    DataFrame (2, 2)
        Counts [[a, b], [c, d]]; rows "A right", "A wrong", columns "B right",
        "B wrong".

    Raises
    ------
    ValueError
        If the arrays differ in length, are empty, or not one-dimensional.
    """
    y, y_a, y_b = _labels(y, y_a, y_b)
    A, B = y_a == y, y_b == y  # (n,), (n,)
    counts = [[np.sum(A & B), np.sum(A & ~B)],
              [np.sum(~A & B), np.sum(~A & ~B)]]
    return pd.DataFrame(counts, index=["A right", "A wrong"],
                        columns=["B right", "B wrong"])


class Result(NamedTuple):
    """What a test says: floats, or arrays when many tests ran at once."""

    statistic: float
    p_value: float
    df: object
    method: str


def _plain(value):
    return float(value) if np.ndim(value) == 0 else value


def _ratio(top, bottom):
    """Return top / bottom, where 0/0 is 0 and x/0 is ±inf."""
    top, bottom = np.broadcast_arrays(np.asarray(top, float), bottom)
    limit = np.where(top == 0, 0.0, np.copysign(np.inf, top))
    return np.where(bottom == 0, limit,
                    top / np.where(bottom == 0, 1, bottom))


def mcnemar_exact(b, c):
    """Return the exact p-value for counts b and c, of any shape. (3.4.2)"""
    tail = stats.binom.cdf(np.minimum(b, c), np.add(b, c), 0.5)
    return np.minimum(1.0, 2 * tail)  # (3.4.2)


def mcnemar_chi2(b, c, corrected=True):
    """Return χ² for counts b and c, of any shape. (3.4.3) or (3.4.4)"""
    gap = np.abs(np.subtract(b, c))
    if corrected:
        gap = np.maximum(gap - 1, 0)  # (3.4.4)
    return _ratio(gap**2, np.add(b, c))  # (3.4.3)


def mcnemar(table, method="auto"):
    """Test whether two models have equal accuracy on one test set.

    Parameters
    ----------
    table : array_like (2, 2)
        Counts [[a, b], [c, d]] as `mcnemar_table` returns them.
    method : {"auto", "exact", "corrected", "uncorrected"}
        (3.4.2), (3.4.4) or (3.4.3). "auto" takes "exact" when b + c < 25,
        else "corrected".

    Returns
    -------
    Result
        The statistic is min(b, c) for "exact", else χ² with df 1. Models that
        never disagree have statistic 0 and p_value 1.

    Raises
    ------
    ValueError
        If the table is not 2 by 2 or does not hold counts.
    """
    T = np.asarray(table)
    if T.shape != (2, 2) or T.dtype.kind not in "iuf":
        raise ValueError(f"a table is 2 by 2 numbers, got {T.tolist()}")
    if not (np.isfinite(T).all() and (T >= 0).all() and (T == T // 1).all()):
        raise ValueError("the table must hold counts: whole, not negative")
    if method not in ("auto", "exact", "corrected", "uncorrected"):
        raise ValueError(f"unknown method {method!r}")
    b, c = int(T[0, 1]), int(T[1, 0])
    if method == "auto":
        method = "exact" if b + c < 25 else "corrected"
    if method == "exact":
        return Result(min(b, c), float(mcnemar_exact(b, c)), None, method)
    chi2 = float(mcnemar_chi2(b, c, method == "corrected"))
    return Result(chi2, float(stats.chi2.sf(chi2, 1)), 1, method)


def all_signs(n):
    """Return every vector of n signs, one a row, shape (2**n, n)."""
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1  # (2^n, n)
    return 1 - 2 * bits


def permutation_test(x, y, rounds=10_000, seed=0):
    """Test by random sign flips whether paired scores have equal means.

    Parameters
    ----------
    x, y : array_like (n,)
        Scores of A and B, paired: the same test points or splits.
    rounds : int
        Random flips R. If all 2**n are not more (and n ≤ 16), they are
        taken instead; points with x = y do not count.
    seed : int or Generator

    Returns
    -------
    Result
        The statistic is the mean of x − y; method "exact" (3.4.6) or
        "random" (3.4.7).

    Raises
    ------
    ValueError
        If the scores are not finite, not paired, or rounds is below 1.
    """
    x, y = (np.asarray(scores, dtype=float) for scores in _labels(x, y))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("scores must be finite numbers")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    D = (x - y)[x != y]  # flips of zeros change nothing
    least = np.abs(D.sum()) - 1e-9 * np.abs(D).sum()  # room for rounding
    if len(D) <= min(16, np.log2(rounds)):
        p_value = np.mean(np.abs(all_signs(len(D)) @ D) >= least)  # (3.4.6)
        return Result((x - y).mean().item(), float(p_value), None, "exact")
    rng, count = np.random.default_rng(seed), 0
    step = max(1, 2_000_000 // len(D))  # bounds the memory
    for start in range(0, rounds, step):
        shape = min(step, rounds - start), len(D)
        S = 2.0 * rng.integers(0, 2, shape) - 1  # (step, n)
        count += np.sum(np.abs(S @ D) >= least)
    p_value = (1 + count) / (1 + rounds)  # (3.4.7)
    return Result((x - y).mean().item(), float(p_value), None, "random")


def cochran_statistic(L):
    """Return Q for a matrix of right answers, L (..., n, k). (3.4.8)"""
    k = L.shape[-1]
    G, T = L.sum(axis=-2), L.sum(axis=-1)  # (..., k), (..., n)
    top = (k - 1) * (k * (G**2).sum(axis=-1) - G.sum(axis=-1) ** 2)
    return _ratio(top, k * T.sum(axis=-1) - (T**2).sum(axis=-1))  # (3.4.8)


def cochrans_q(y, *predictions):
    """Test whether k models have equal accuracy on one test set.

    Parameters
    ----------
    y : array_like (n,)
        True labels.
    *predictions : array_like (n,)
        Predictions of each model, two or more.

    Returns
    -------
    Result
        Q and its p-value, df = k − 1; 0 and 1 if all agree everywhere.

    Raises
    ------
    ValueError
        If there are fewer than two models or lengths differ.
    """
    if len(predictions) < 2:
        raise ValueError(f"two or more models, got {len(predictions)}")
    y, *predictions = _labels(y, *predictions)
    L = np.column_stack([y_j == y for y_j in predictions]).astype(int)
    Q, df = float(cochran_statistic(L)), L.shape[1] - 1
    return Result(Q, float(stats.chi2.sf(Q, df)), df, "χ²")


def _differences(D, shape):
    D = np.asarray(D, dtype=float)
    if D.ndim < len(shape) or D.shape[-len(shape):] != shape:
        raise ValueError(f"differences must end in {shape}, got {D.shape}")
    if not np.isfinite(D).all():
        raise ValueError("differences must be finite numbers")
    return D


def _paired_t(D, ratio, method):
    J = np.shape(D)[-1] if np.ndim(D) else 0
    if J < 2:
        raise ValueError("a paired t test needs two or more differences")
    D = _differences(D, (J,))
    s = np.where(np.ptp(D, axis=-1) == 0, 0.0, D.std(axis=-1, ddof=1))
    t = _ratio(D.mean(axis=-1),
               s * np.sqrt(1 / J + ratio))  # (3.4.9), (3.4.13)
    p_value = 2 * stats.t.sf(np.abs(t), J - 1)
    return Result(_plain(t), _plain(p_value), J - 1, method)


def paired_t_resampled(D):
    """Test resampled differences D (..., J); liberal, do not use. (3.4.9)"""
    return _paired_t(D, 0.0, "resampled t")


def paired_t_kfold(D):
    """Test the differences D (..., k) of one k-fold run. (3.4.9)"""
    return _paired_t(D, 0.0, "k-fold t")


def paired_t_corrected(D, ratio):
    """Test resampled differences by Nadeau and Bengio's correction.

    Parameters
    ----------
    D : array_like (..., J)
        Score of A minus score of B in J random splits.
    ratio : float
        Test points over training points, positive.

    Returns
    -------
    Result
        t and its two-sided p-value (3.4.13), df = J − 1. All differences
        zero: 0 and 1; all equal and not zero: ±inf and 0.

    Raises
    ------
    ValueError
        If ratio is not positive, J < 2, or a value is not finite.
    """
    if not 0 < ratio < np.inf:
        raise ValueError(f"ratio must be positive, got {ratio}")
    return _paired_t(D, ratio, "corrected resampled t")


def halves_variance(D):
    """Return the sum of the five variances s², for D (..., 5, 2)."""
    return ((D[..., 0] - D[..., 1]) ** 2 / 2).sum(axis=-1)  # (3.4.14)


def paired_t_5x2cv(D):
    """Test five times two differences, D (..., 5, 2), by Dietterich's t.

    Row i holds the differences of replication i, whose two halves swap roles.
    Returns a Result with df = 5; all zero gives 0 and 1. Raises ValueError
    for another shape or a value that is not finite. Implements (3.4.15).
    """
    D = _differences(D, (5, 2))
    t = _ratio(D[..., 0, 0], np.sqrt(halves_variance(D) / 5))  # (3.4.15)
    p_value = 2 * stats.t.sf(np.abs(t), 5)
    return Result(_plain(t), _plain(p_value), 5, "5×2cv t")


def combined_f_5x2cv(D):
    """Test five times two differences, D (..., 5, 2), by Alpaydın's F.

    As `paired_t_5x2cv`, with df = (10, 5). Implements (3.4.16).
    """
    D = _differences(D, (5, 2))
    top = (D**2).sum(axis=(-1, -2))
    F = _ratio(top, 2 * halves_variance(D))  # (3.4.16)
    p_value = stats.f.sf(F, 10, 5)
    return Result(_plain(F), _plain(p_value), (10, 5), "5×2cv F")


class Adjusted(NamedTuple):
    """Adjusted p-values in the order given, and which are rejected."""

    p_value: np.ndarray
    reject: np.ndarray


def _adjusted(p, alpha, rule):
    """Sort p (..., m), adjust by `rule(sorted, m)`, and sort back."""
    p = np.asarray(p, dtype=float)
    if p.ndim == 0 or p.shape[-1] == 0:
        raise ValueError("give at least one p-value, in an array")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie between 0 and 1")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    order = np.argsort(p, axis=-1, kind="stable")
    ranked = rule(np.take_along_axis(p, order, -1), p.shape[-1])
    back = np.empty_like(p)
    np.put_along_axis(back, order, np.minimum(1.0, ranked), -1)
    return Adjusted(back, back <= alpha)


def bonferroni(p, alpha=0.05):
    """Adjust p-values (..., m) by Bonferroni's bound. (3.4.21)"""
    return _adjusted(p, alpha, lambda p, m: m * p)  # (3.4.21)


def holm(p, alpha=0.05):
    """Adjust p-values (..., m) by Holm's steps down. (3.4.22)

    Parameters
    ----------
    p : array_like (..., m)
        P-values, in any order.
    alpha : float
        Chance of at least one false rejection that is allowed.

    Returns
    -------
    Adjusted
        p_value and reject, in the order of `p`.

    Raises
    ------
    ValueError
        If p is empty or not in [0, 1].
    """
    return _adjusted(p, alpha, lambda p, m: np.maximum.accumulate(
        (m - np.arange(m)) * p, axis=-1))  # (3.4.22)


def benjamini_hochberg(p, alpha=0.05):
    """Adjust p-values (..., m) for a false discovery rate. (3.4.23)"""
    return _adjusted(p, alpha, lambda p, m: np.minimum.accumulate(
        (m / np.arange(1, m + 1) * p)[..., ::-1],
        axis=-1)[..., ::-1])  # (3.4.23)


def score_differences(model_a, model_b, X, y, cv, scoring=None):
    """Train two models on the same splits and subtract their test scores.

    Parameters
    ----------
    model_a, model_b : estimator
        Cloned for every split.
    X : ndarray (n, d)
    y : ndarray (n,)
    cv : int, splitter, or iterable of (train, test)
        For 5×2cv: ``RepeatedStratifiedKFold(n_splits=2, n_repeats=5,
        random_state=seed)``, then ``.reshape(5, 2)``.
    scoring : str or callable, optional
        By default the estimator's own score, accuracy or R².

    Returns
    -------
    ndarray (J,)
        Score of A minus score of B, one a split.
    """
    X, y = np.asarray(X), np.asarray(y)
    D = []
    for train, test in check_cv(cv, y).split(X, y):
        scores = []
        for model in (model_a, model_b):
            fitted = clone(model).fit(X[train], y[train])
            score = check_scoring(fitted, scoring)
            scores.append(score(fitted, X[test], y[test]))
        D.append(scores[0] - scores[1])
    return np.array(D)  # (J,)
