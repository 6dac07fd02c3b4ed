# Generated from ch03/02_resampling.ipynb by `make export`: do not edit.
"""What ch03/02_resampling.ipynb exports for other notebooks."""

__all__ = ['kfold', 'leave_one_out', 'stratified_kfold', 'group_kfold', 'time_series_split', 'cv_scores', 'Nested', 'nested_cv',
           'combine_632', 'zero_one', 'squared', 'bootstrap_predictions', 'bootstrap_errors', 'bootstrap_632',
           'Interval', 'normal_interval', 'wilson_interval', 'on_rows', 'acceleration', 'bca_tails', 'bootstrap_ci',
           'Decomposition', 'bias_variance']


from inspect import signature
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.base import clone, is_classifier
from sklearn.model_selection import ParameterGrid


def _check_folds(k, n, what="samples"):
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool):
        raise ValueError(f"the number of folds must be an integer, got {k!r}")
    if not 2 <= k <= n:
        raise ValueError(f"{k} folds of {n} {what}: 2 to {n} are possible")


def _pairs(fold, k):
    """Yield the sorted (train, test) indices of folds 0 … k−1."""
    for f in range(k):
        yield np.flatnonzero(fold != f), np.flatnonzero(fold == f)


def kfold(n, k, rng=None):
    """Yield (train, test) indices of k folds of n samples. Implements (3.2.3).

    Shuffled by `rng`, a NumPy generator, if there is one.
    """
    _check_folds(k, n)
    order = np.arange(n) if rng is None else rng.permutation(n)  # (n,)
    f = np.arange(k)  # (k,)
    start = f * (n // k) + np.minimum(f, n % k)  # (3.2.3)
    fold = np.empty(n, dtype=int)
    fold[order] = np.searchsorted(start, np.arange(n), side="right") - 1
    return _pairs(fold, k)


def leave_one_out(n):
    """Yield (train, test) indices that hide one sample at a time."""
    return kfold(n, n)


def stratified_kfold(y, k, rng=None):
    """Yield (train, test) indices, each class dealt out. Implements (3.2.4).

    Parameters
    ----------
    y : array_like (n,)
        Labels of any kind.
    k : int
        Folds; no class has fewer members.
    rng : Generator, optional
        Shuffles within each class.
    """
    y = np.asarray(y)
    labels, first = np.unique(y, return_index=True)
    f, start, fold = np.arange(k), 0, np.empty(len(y), dtype=int)
    for label in labels[np.argsort(first)]:
        rows = np.flatnonzero(y == label)
        _check_folds(k, len(rows), f"samples of class {label}")
        end = start + len(rows)
        m = -((f - end) // k) + (f - start) // k  # (k,), (3.2.4)
        dealt = np.repeat(f, m)
        fold[rows] = dealt if rng is None else rng.permutation(dealt)
        start = end
    return _pairs(fold, k)


def group_kfold(groups, k):
    """Yield (train, test) indices that never part a group.

    The largest group first, always to the lightest fold; of groups of one
    size, the one that sorts last comes first (as in scikit-learn).
    """
    _, code, size = np.unique(groups, return_inverse=True, return_counts=True)
    _check_folds(k, len(size), "groups")
    weight, fold = np.zeros(k, dtype=int), np.empty(len(size), dtype=int)
    for g in np.argsort(size, kind="stable")[::-1]:
        fold[g] = weight.argmin()
        weight[fold[g]] += size[g]
    return _pairs(fold[code], k)


def time_series_split(n, k):
    """Yield (train, test) indices, train before test. Implements (3.2.5)."""
    _check_folds(k, n - 1, "blocks")
    m = n // (k + 1)
    for f in range(k):
        t = n - (k - f) * m  # (3.2.5)
        yield np.arange(t), np.arange(t, t + m)


def cv_scores(estimator, X, y, splits, scoring=None):
    """Return the score of each fold, (k,).

    Parameters
    ----------
    estimator : estimator
        Cloned for each fold.
    X : ndarray (n, d), y : ndarray (n,)
    splits : iterable of (train, test) index pairs
    scoring : callable, optional
        Maps (fitted estimator, X, y) to a number; ``estimator.score`` if None.
    """
    scores = []
    for a, b in splits:
        model = clone(estimator).fit(X[a], y[a])
        scores.append(model.score(X[b], y[b]) if scoring is None
                      else scoring(model, X[b], y[b]))
    if not scores:
        raise ValueError("there is no fold to score")
    return np.array(scores, dtype=float)


class Nested(NamedTuple):
    """What `nested_cv` returns; the honest number is ``scores.mean()``."""

    scores: np.ndarray  # (outer,) winners' scores on the outer test parts
    chosen: list  # (outer,) parameters of each winner
    flat_scores: np.ndarray  # (m,) the search on all data, each candidate

    @property
    def flat(self):
        """The best candidate's score in the search that chose it."""
        return self.flat_scores.max()


def nested_cv(estimator, grid, X, y, *, outer=5, inner=5, groups=None,
              rng=None, scoring=None):
    """Judge a search over parameters by nested cross-validation.

    Parameters
    ----------
    estimator : estimator
    grid : dict or list of dict
        Candidates, as for ``ParameterGrid``; the first of equals wins.
    X : ndarray (n, d), y : ndarray (n,)
    outer, inner : int
        Folds of the two loops: stratified for a classifier.
    groups : array_like (n,), optional
        Samples that stay together; the folds are then group folds.
    rng : Generator, optional
        Shuffles the folds (not group folds).
    scoring : callable, optional
        As in `cv_scores`.

    Returns
    -------
    Nested
    """
    X, y, candidates = np.asarray(X), np.asarray(y), list(ParameterGrid(grid))
    groups = None if groups is None else np.asarray(groups)

    def folds(rows, k):
        if groups is not None:
            return group_kfold(groups[rows], k)
        if is_classifier(estimator):
            return stratified_kfold(y[rows], k, rng)
        return kfold(len(rows), k, rng)

    def search(rows):
        splits = list(folds(rows, inner))
        return np.array([cv_scores(clone(estimator).set_params(**c), X[rows],
                                   y[rows], splits, scoring).mean()
                         for c in candidates])  # (m,)

    everything, scores, chosen = np.arange(len(y)), [], []
    for train, test in folds(everything, outer):
        best = candidates[search(train).argmax()]
        winner = clone(estimator).set_params(**best)
        scores += cv_scores(winner, X, y, [(train, test)], scoring).tolist()
        chosen.append(best)
    return Nested(np.array(scores), chosen, search(everything))


def combine_632(apparent, oob, gamma, method=".632+"):
    """Combine three error estimates to one. Implements (3.2.9), (3.2.12).

    Parameters
    ----------
    apparent, oob, gamma : float
        Apparent error, leave-one-out bootstrap, no-information error.
    method : {".632", ".632+", "oob"}
    """
    if method not in (".632", ".632+", "oob"):
        raise ValueError(f"method {method!r} is none of .632, .632+, oob")
    if method == "oob":
        return oob
    if method == ".632":
        return 0.368 * apparent + 0.632 * oob  # (3.2.9)
    capped, R = min(oob, gamma), 0.0
    if min(oob, gamma) > apparent:
        R = (capped - apparent) / (gamma - apparent)  # (3.2.11)
    w = 0.632 / (1 - 0.368 * R)
    return (1 - w) * apparent + w * capped  # (3.2.12)


def zero_one(y, y_hat):
    """Return the 0-1 loss of each prediction."""
    return (y != y_hat).astype(float)


def squared(y, y_hat):
    """Return the squared error of each prediction."""
    return (y - y_hat) ** 2


def bootstrap_predictions(estimator, X, y, X_test, draws):
    """Return what models fitted to resamples predict for X_test, (B, m).

    `draws` (B, n) holds the row numbers of each resample.
    """
    return np.array([clone(estimator).fit(X[rows], y[rows]).predict(X_test)
                     for rows in draws])


def bootstrap_errors(estimator, X, y, draws, loss=zero_one):
    """Return (apparent, oob, gamma). Implements (3.2.1), (3.2.8), (3.2.10).

    Parameters
    ----------
    estimator : estimator
    X : ndarray (n, d), y : ndarray (n,)
    draws : ndarray (B, n) of int
        Row numbers of each resample.
    loss : callable
        Maps two arrays to the loss of each pair: `zero_one`, `squared`.
    """
    y_hat = clone(estimator).fit(X, y).predict(X)  # (n,)
    apparent = loss(y, y_hat).mean()  # (3.2.1)
    gamma = loss(y[:, None], y_hat).mean()  # (n, n), (3.2.10)
    missed = np.ones(draws.shape, dtype=bool)  # (B, n)
    np.put_along_axis(missed, draws, False, axis=1)
    L = loss(y, bootstrap_predictions(estimator, X, y, X, draws))  # (B, n)
    times = missed.sum(axis=0)  # (n,)
    if not times.any():
        raise ValueError("every resample drew every sample: draw more of them")
    E = (L * missed).sum(axis=0)[times > 0] / times[times > 0]  # (3.2.8)
    return apparent, E.mean(), gamma


def bootstrap_632(estimator, X, y, *, method=".632+", n_resamples=200,
                  rng=None, loss=zero_one):
    """Estimate the error of an estimator fitted to all of X, y.

    Parameters
    ----------
    estimator : estimator
    X : ndarray (n, d), y : ndarray (n,)
    method : {".632+", ".632", "oob"}
        (3.2.12), (3.2.9) or (3.2.8).
    n_resamples : int
    rng : Generator or int, optional
    loss : callable
        `zero_one` by default; `squared` for a regression.

    Returns
    -------
    float
        An error: smaller is better.
    """
    X, y = np.asarray(X), np.asarray(y)
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} rows, y has {len(y)}")
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be positive, got {n_resamples}")
    combine_632(0, 0, 0, method)  # refuse a wrong name before the work
    shape = n_resamples, len(y)
    draws = np.random.default_rng(rng).integers(0, len(y), shape)  # (B, n)
    errors = bootstrap_errors(estimator, X, y, draws, loss)
    return float(combine_632(*errors, method))


class Interval(NamedTuple):
    """A confidence interval; low and high are numbers, or arrays."""

    low: float
    high: float


def _tail(level):
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return (1 - level) / 2


def _checked_counts(successes, n, level):
    k = np.asarray(successes, dtype=float)
    if not n >= 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if np.any((k < 0) | (k > n)):
        raise ValueError(f"successes must lie between 0 and {n}")
    return k / n, ndtri(1 - _tail(level))


def _interval(low, high):
    """Return numbers for numbers and arrays for arrays."""
    return Interval(*(v.item() if v.ndim == 0 else v for v in (low, high)))


def normal_interval(successes, n, level=0.95):
    """Return the normal interval for a share. Implements (3.2.13).

    Parameters
    ----------
    successes : int or array_like
        Number of right answers, 0 to n.
    n : int
        Number of independent test samples.
    level : float

    Returns
    -------
    Interval
        Its ends may lie outside [0, 1].
    """
    p_hat, z = _checked_counts(successes, n, level)
    half = z * np.sqrt(p_hat * (1 - p_hat) / n)
    return _interval(p_hat - half, p_hat + half)  # (3.2.13)


def wilson_interval(successes, n, level=0.95):
    """Return Wilson's interval for a share. Implements (3.2.15).

    Parameters and returns as in `normal_interval`; it stays inside [0, 1].
    """
    p_hat, z = _checked_counts(successes, n, level)
    middle = p_hat + z**2 / (2 * n)
    half = z * np.sqrt(p_hat * (1 - p_hat) / n + z**2 / (4 * n**2))
    low, high = (middle - half, middle + half) / (1 + z**2 / n)  # (3.2.15)
    return _interval(np.maximum(low, 0.0), np.minimum(high, 1.0))


def _takes_axis(statistic):
    try:
        return "axis" in signature(statistic).parameters
    except (TypeError, ValueError):  # a function without a signature
        return False


def on_rows(statistic, data, rows):
    """Return the statistic of each row's samples, (len(rows),)."""
    if _takes_axis(statistic):
        return np.asarray(statistic(*(a[rows] for a in data), axis=1))
    return np.array([statistic(*(a[r] for a in data)) for r in rows])


def acceleration(statistic, data):
    """Return a by the jackknife, 0 where no sample matters. (3.2.22)"""
    n = len(data[0])
    j = np.arange(n - 1)  # (n-1,)
    others = j + (j >= np.arange(n)[:, None])  # (n, n-1), row i lacks i
    left_out = on_rows(statistic, data, others)  # (n,)
    d = left_out.mean() - left_out  # (n,)
    scale = (d**2).sum() ** 1.5
    return (d**3).sum() / (6 * scale) if scale > 0 else 0.0  # (3.2.22)


def bca_tails(boot, theta, a, alpha):
    """Return the two shares at which to cut `boot`. Implements (3.2.20)."""
    below = np.mean(boot < theta) + np.mean(boot == theta) / 2
    if not 0 < below < 1:
        raise ValueError("BCa is undefined: all resamples on one side")
    z_0 = ndtri(below)  # (3.2.21)
    u = z_0 + ndtri([alpha, 1 - alpha])  # (2,)
    return ndtr(z_0 + u / (1 - a * u))  # (3.2.20)


def bootstrap_ci(data, statistic=np.mean, *, method="bca", level=0.95,
                 n_resamples=2000, rng=None):
    """Return a bootstrap confidence interval for a statistic.

    Parameters
    ----------
    data : array_like (n, ...) or tuple of such
        Samples along the first axis; arrays of a tuple are resampled together.
    statistic : callable
        Maps the array (or the arrays) to a number. If it has a parameter
        `axis`, it is called once, with samples along axis 1; else once a
        resample.
    method : {"bca", "percentile", "normal"}
        (3.2.20), (3.2.17), or estimate ± z times (3.2.7).
    level : float
    n_resamples : int
    rng : Generator or int, optional

    Returns
    -------
    Interval
    """
    data = data if isinstance(data, tuple) else (data,)
    data = [np.asarray(a) for a in data]
    n, alpha = len(data[0]), _tail(level)
    if n < 2 or any(len(a) != n for a in data):
        raise ValueError(f"need 2 samples or more, and equally many in each "
                         f"array, got {[len(a) for a in data]}")
    if method not in ("bca", "percentile", "normal"):
        raise ValueError(f"method {method!r} is not bca, percentile or normal")
    draws = np.random.default_rng(rng).integers(0, n, (n_resamples, n))
    boot = on_rows(statistic, data, draws)  # (B,)
    theta = on_rows(statistic, data, np.arange(n)[None])[0]
    if method == "normal":
        half = ndtri(1 - alpha) * boot.std(ddof=1)  # (3.2.7)
        return Interval(float(theta - half), float(theta + half))
    tails = [alpha, 1 - alpha]
    if method == "bca":
        tails = bca_tails(boot, theta, acceleration(statistic, data), alpha)
    low, high = np.quantile(boot, tails)  # (3.2.17)
    return Interval(float(low), float(high))


class Decomposition(NamedTuple):
    """Means over the test samples; loss = bias + net_variance, exactly."""

    loss: float
    bias: float  # squared, for the squared loss
    variance: float
    net_variance: float  # equals variance for the squared loss


def bias_variance(predictions, y, loss="squared"):
    """Decompose the mean loss of many models. Implements (3.2.25), (3.2.26).

    Parameters
    ----------
    predictions : array_like (B, m)
        Row b: what the model from training set b predicts for m test samples.
    y : array_like (m,)
        Their targets. If these are noisy, the bias contains the noise.
    loss : {"squared", "0-1"}
        0-1 takes labels of any kind; of equally frequent ones the smallest is
        the main prediction.

    Returns
    -------
    Decomposition
    """
    P, y = np.asarray(predictions), np.asarray(y)
    if P.ndim != 2 or P.shape[1:] != y.shape or not P.size:
        raise ValueError(f"predictions {P.shape} do not fit y {y.shape}")
    if loss not in ("squared", "0-1"):
        raise ValueError(f"loss {loss!r} is none of squared, 0-1")
    if loss == "squared":
        bias = (y - P.mean(axis=0)) ** 2  # (m,)
        net = V = P.var(axis=0)  # (m,), (3.2.25)
    else:
        labels, coded = np.unique(P, return_inverse=True)
        coded = coded.reshape(P.shape)  # (B, m)
        votes = (coded == np.arange(len(labels))[:, None, None]).sum(axis=1)
        main = labels[votes.argmax(axis=0)]  # (m,)
        bias, V = (main != y).astype(float), (P != main).mean(axis=0)
        net = np.where(main == y, V, -(P == y).mean(axis=0))  # (3.2.26)
    parts = bias + net, bias, V, net  # (m,) each
    return Decomposition(*(float(v.mean()) for v in parts))
