# Generated from ch03/05_feature_selection.ipynb by `make export`: do not edit.
"""What ch03/05_feature_selection.ipynb exports for other notebooks."""

__all__ = ['TIE', 'Subset', 'Criterion', 'best_move', 'new_record', 'search', 'CrossValidation', 'Watched', 'SearchParts',
           'SequentialFeatureSelector']


import warnings
from typing import NamedTuple

import numpy as np
from sklearn import config_context, utils
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted, validate_data

from helpers import progress


TIE = 1e-12  # scores closer than this are equal


class Subset(NamedTuple):
    """A set of features with its mean score and the scores it averages."""

    features: tuple
    score: float
    fold_scores: np.ndarray


class Criterion:
    """J: scores each set at most once, and keeps the best of each size.

    Parameters
    ----------
    evaluate : callable
        Maps a sorted tuple of features to one score, or to one a fold.

    Attributes
    ----------
    seen : dict of frozenset to float
    best : dict of int to Subset
    """

    def __init__(self, evaluate):
        self.evaluate = evaluate
        self.seen, self.best = {}, {}

    def __call__(self, S):
        """Return the mean score of the set S."""
        S = frozenset(S)
        if S not in self.seen:
            features = tuple(sorted(S))
            scores = np.atleast_1d(self.evaluate(features))  # (folds,)
            self.seen[S] = self._keep(features, scores)
        return self.seen[S]

    def _keep(self, features, scores):
        mean, k = float(np.mean(scores)), len(features)
        if not np.isfinite(mean):
            raise ValueError(f"the score of features {features} is {mean}")
        if k not in self.best or mean > self.best[k].score + TIE:
            self.best[k] = Subset(features, mean, scores)
        return mean


def best_move(J, S, moves):
    """Return S with one feature of `moves` added or removed, the best."""
    top, score = None, -np.inf
    for j in sorted(moves):
        T = S ^ {j}
        if J(T) > score + TIE:  # (3.5.8), (3.5.9)
            top, score = T, J(T)
    return top


def new_record(score, record, current):
    """Say whether a set beats the best of its size so far. (3.5.11)"""
    return score > record + TIE


def search(J, d, k_stop, forward=True, accept=None):
    """Search sets of d features until size k_stop; return the path.

    J keeps the best set of each size. `accept(score, record, current)`
    allows a move back: its score, the best of its size before it was tried,
    and the score of the set it leaves.
    """
    everything, path = frozenset(range(d)), []
    S = frozenset() if forward else everything
    if not forward:
        path.append(S)
        J(S)
    while len(S) != k_stop:
        S = best_move(J, S, everything - S if forward else S)
        path.append(S)
        while accept is not None:
            k = len(S) - 1 if forward else len(S) + 1
            if k == 0:
                break
            record = J.best[k].score  # B_k
            T = best_move(J, S, S if forward else everything - S)
            if not accept(J(T), record, J(S)):  # (3.5.11)
                break
            S = T
            path.append(S)
    return path


class CrossValidation:
    """Scores sets of features by (3.5.13), with the same folds for all."""

    def __init__(self, estimator, X, y, splits, scorer):
        self.estimator, self.scorer = estimator, scorer
        self.folds = [(X[a], y[a], X[t], y[t]) for a, t in splits]
        self.known = False  # whether the parameters have been checked

    def __call__(self, features):
        S, scores = list(features), []
        with config_context(skip_parameter_validation=self.known):
            for X_a, y_a, X_t, y_t in self.folds:
                model = clone(self.estimator).fit(X_a[:, S], y_a)
                scores.append(self.scorer(model, X_t[:, S], y_t))
        self.known = True  # they are the same for every set
        return np.array(scores)  # (m,), (3.5.13)


class Watched:
    """A criterion that moves a progress bar at every set it scores."""

    def __init__(self, evaluate, bar):
        self.evaluate, self.bar = evaluate, bar

    def __call__(self, features):
        scores = self.evaluate(features)
        self.bar.update(1)
        return scores


class SearchParts:
    """The working parts of the selector, one step each."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = utils.get_tags(self.estimator).input_tags
        tags.input_tags.allow_nan = inner.allow_nan
        tags.target_tags.required = True
        return tags

    def _sizes(self, d):
        k = (1, d) if self.k_features == "best" else self.k_features
        low, high = k if isinstance(k, (tuple, list)) else (k, k)
        if isinstance(low, str) or not 1 <= low <= high <= d:
            raise ValueError(f"k_features={self.k_features!r} must lie "
                             f"in 1 ... {d}, the number of features")
        return low, high

    def _search(self, X, y, groups, k_stop):
        kind = utils.get_tags(self.estimator).estimator_type
        cv = check_cv(self.cv, y, classifier=kind == "classifier")
        scorer = check_scoring(self.estimator, self.scoring)
        judge = CrossValidation(self.estimator, X, y,
                                cv.split(X, y, groups), scorer)
        accept = new_record if self.floating else None
        self.interrupted_ = False
        with progress.bar(description="selecting", unit=" sets") as bar:
            J = Criterion(Watched(judge, bar))
            try:
                search(J, X.shape[1], k_stop, self.forward, accept)
            except KeyboardInterrupt:
                if not J.best:
                    raise  # nothing to keep
                self.interrupted_ = True
        return J

    def _choose(self, low, high, d):
        B = {k: best.score for k, best in self.subsets_.items()}
        sizes = [k for k in B if low <= k <= high] or list(B)
        self.score_ = max(B[k] for k in sizes)
        k = min(k for k in sizes if B[k] >= self.score_ - TIE)  # (3.5.14)
        self.support_ = np.isin(np.arange(d), self.subsets_[k].features)
        if self.interrupted_:
            warnings.warn(f"interrupted after {self.n_scored_} sets: keeping "
                          f"the best so far, {k} features with a score of "
                          f"{self.score_:.3f}", stacklevel=3)

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_


class SequentialFeatureSelector(
    SearchParts, SelectorMixin, MetaEstimatorMixin, BaseEstimator
):
    """Forward, backward or floating selection. Implements (3.5.8) to (3.5.14).

    Parameters
    ----------
    estimator : estimator
        Judges the sets; it is cloned, and sees arrays without column names.
    k_features : int, (int, int) or "best"
        Size to select, or the smallest and the largest, or any.
    forward, floating : bool
        Whether to add features (or remove), and to look back at each step.
    scoring, cv : optional
        As in scikit-learn's `cross_val_score`.

    Attributes
    ----------
    subsets_ : dict of int to Subset
        The best set of each size: `features`, `score`, `fold_scores`.
    support_ : ndarray of bool (d,)
    score_ : float
        Mean score of the selected set; optimistic, see 3.5.
    n_scored_ : int
        Number of different sets that were scored.
    interrupted_ : bool
    """

    def __init__(self, estimator, k_features="best", forward=True,
                 floating=False, scoring=None, cv=5):
        self.estimator = estimator
        self.k_features = k_features
        self.forward = forward
        self.floating = floating
        self.scoring = scoring
        self.cv = cv

    def fit(self, X, y, groups=None):
        """Select among the columns of X (n, d); `groups` goes to the folds."""
        missing = utils.get_tags(self).input_tags.allow_nan
        X, y = validate_data(self, X, y, dtype=np.float64,
                             ensure_all_finite=not missing or "allow-nan")
        low, high = self._sizes(X.shape[1])
        J = self._search(X, y, groups, high if self.forward else low)
        self.subsets_ = dict(sorted(J.best.items()))
        self.n_scored_ = len(J.seen)
        self._choose(low, high, X.shape[1])
        return self
