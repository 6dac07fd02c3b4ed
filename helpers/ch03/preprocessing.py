# Generated from ch03/01_preprocessing.ipynb by `make export`: do not edit.
"""What ch03/01_preprocessing.ipynb exports for other notebooks."""

__all__ = ['STRATEGIES', 'GapTransformer', 'most_frequent', 'SimpleImputer', 'nan_distances', 'KNNImputer', 'regression',
           'predicted', 'RegressionImputer', 'CategoryTransformer', 'OrdinalEncoder', 'OneHotEncoder', 'TargetEncoder',
           'CrossFitTargetEncoder', 'Scaler', 'Standardizer', 'MinMaxScaler', 'RobustScaler']


import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from helpers.estimators import NEW_SAMPLES, Transformer


class GapTransformer(Transformer):
    """Base of a transformer whose input may hold NaN for a missing value."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def checked(self, X, y=NEW_SAMPLES):
        """Return X (n, d) as float64; fit refuses a column of gaps only."""
        fitting = y is not NEW_SAMPLES
        if not fitting:
            check_is_fitted(self)
        X = validate_data(self, X, reset=fitting, dtype=np.float64,
                          ensure_all_finite="allow-nan")
        empty = np.flatnonzero(np.isnan(X).all(axis=0))
        if fitting and len(empty):
            raise ValueError(f"column {empty[0]} has no observed value")
        return X


def most_frequent(values):
    """Return the value that occurs most often, the smallest of a tie."""
    levels, counts = np.unique(values, return_counts=True)
    return levels[counts.argmax()]


STRATEGIES = {"mean": np.mean, "median": np.median,
              "most_frequent": most_frequent}


class SimpleImputer(GapTransformer):
    """Fill each column's gaps with one number. Implements (3.1.2).

    Parameters
    ----------
    strategy : {"mean", "median", "most_frequent"}

    Attributes
    ----------
    fill_ : ndarray (d,)
        What goes into the gaps.
    """

    def __init__(self, strategy="mean"):
        self.strategy = strategy

    def fit(self, X, y=None):
        """Learn the fillings from X (n, d); return the imputer."""
        X = self.checked(X, y)
        summary = STRATEGIES[self.strategy]
        self.fill_ = np.array([summary(x[~np.isnan(x)]) for x in X.T])
        return self

    def transform(self, X):
        """Return X (n, d) without gaps."""
        X = self.checked(X)
        return np.where(np.isnan(X), self.fill_, X)


def nan_distances(A, B):
    """Return D² of (3.1.4) for rows of A (m, d) and B (n, d), shape (m, n).

    Infinite where two rows share no coordinate.
    """
    in_A, in_B = 1.0 - np.isnan(A), 1.0 - np.isnan(B)
    A, B = np.nan_to_num(A), np.nan_to_num(B)
    D = A**2 @ in_B.T - 2 * A @ B.T + in_A @ (B**2).T  # (m, n)
    shared = in_A @ in_B.T  # (m, n), |O|
    D = A.shape[1] * np.maximum(D, 0) / np.maximum(shared, 1)  # (3.1.4)
    return np.where(shared > 0, D.round(10), np.inf)


class KNNImputer(GapTransformer):
    """Fill a gap with the mean of the nearest rows. Implements (3.1.5).

    Distances depend on units: scale the columns first.

    Parameters
    ----------
    n_neighbors : int
        k, at least 1.

    Attributes
    ----------
    X_ : ndarray (n, d)
        The training rows, with their gaps.
    """

    def __init__(self, n_neighbors=5):
        self.n_neighbors = n_neighbors

    def fit(self, X, y=None):
        """Keep the donors X (n, d); return the imputer."""
        self.X_ = self.checked(X, y)
        return self

    def transform(self, X):
        """Return X (m, d) without gaps."""
        X = self.checked(X)
        filled = X.copy()
        for j in np.flatnonzero(np.isnan(X).any(axis=0)):
            gone = np.isnan(X[:, j])  # (m,)
            donors = self.X_[~np.isnan(self.X_[:, j])]
            D = self.distances(X[gone], donors)  # (gaps, donors)
            near = D.argsort(axis=1, kind="stable")[:, : self.n_neighbors]
            usable = np.isfinite(np.take_along_axis(D, near, axis=1))
            count = usable.sum(axis=1)
            total = np.sum(donors[near, j] * usable, axis=1)
            mean = total / np.maximum(count, 1)  # (3.1.5)
            filled[gone, j] = np.where(count, mean, donors[:, j].mean())
        return filled

    def distances(self, A, B):
        """Return D² between rows of A (m, d) and B (n, d), shape (m, n)."""
        return nan_distances(A, B)


def regression(X, j, rows):
    """Regress column j on the others in some rows; return (b, w) and spread.

    Implements (3.1.6); X (n, d) has no gaps, the coefficients have shape (d,).
    """
    A = X.copy()
    A[:, j] = 1.0  # the column's own place holds the intercept
    v = np.linalg.lstsq(A[rows], X[rows, j], rcond=None)[0]  # (3.1.6), (d,)
    e = X[rows, j] - A[rows] @ v  # residuals
    return v, np.sqrt(e @ e / max(len(e) - len(v), 1))


def predicted(X, j, v):
    """Return the prediction of column j in each row, shape (n,)."""
    return X @ v - X[:, j] * v[j] + v[j]  # (3.1.6)


class RegressionImputer(GapTransformer):
    """Fill gaps by regressions. Implements (3.1.6), (3.1.8).

    Parameters
    ----------
    n_iter, tol : int, float
        Rounds, at most; stop when no filling moves by more, relatively.
    noise, seed : bool, int
        Whether residual scatter is added, and what decides the draw.

    Attributes
    ----------
    fill_ (d,), coef_ (d, d), spread_ (d,) : ndarray
        First fillings; row j is the line for column j, intercept at
        place j; the residuals' standard deviations.
    """

    def __init__(self, n_iter=200, tol=1e-10, noise=False, seed=0):
        self.n_iter, self.tol = n_iter, tol
        self.noise, self.seed = noise, seed

    def fit(self, X, y=None):
        """Learn the lines from X (n, d); return the imputer."""
        X = self.checked(X, y)
        self.fill_, d = np.nanmean(X, axis=0), X.shape[1]
        self.coef_, self.spread_ = np.zeros((d, d)), np.zeros(d)
        self._rounds(X, learn=True)
        return self

    def transform(self, X):
        """Return X (m, d) without gaps."""
        X = self.checked(X)
        e = np.random.default_rng(self.seed).normal(size=X.shape)
        e *= self.noise * self.spread_ * np.isnan(X)  # (3.1.8)
        return self._rounds(X, learn=False) + e

    def _rounds(self, X, learn):
        gaps, change = np.isnan(X), np.inf
        Z, rounds = np.where(gaps, self.fill_, X), 0
        while rounds < self.n_iter and change > self.tol * np.abs(Z).max():
            rounds, before = rounds + 1, Z.copy()
            for j in np.argsort(gaps.sum(axis=0), kind="stable"):
                here = gaps[:, j]
                if learn:
                    self.coef_[j], self.spread_[j] = regression(Z, j, ~here)
                Z[here, j] = predicted(Z, j, self.coef_[j])[here]
            change = np.abs(Z - before).max()
        return Z


class CategoryTransformer(TransformerMixin, BaseEstimator):
    """Base of an encoder for columns of strings or numbers."""

    def fit(self, X, y=None):
        """Learn the categories of each column of X (n, d)."""
        self.learn(validate_data(self, X, dtype=None))
        return self

    def learn(self, X):
        """Set `categories_`, the sorted levels of each column."""
        try:
            self.categories_ = [np.unique(column) for column in X.T]
        except TypeError as error:
            raise TypeError(
                "the argument must be uniformly strings or numbers"
            ) from error

    def codes(self, X):
        """Return each entry's place in its categories, (n, d); -1 if new."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=None, reset=False)
        codes = np.empty(X.shape, dtype=int)
        for j, levels in enumerate(self.categories_):
            place = np.searchsorted(levels, X[:, j]).clip(0, len(levels) - 1)
            codes[:, j] = np.where(levels[place] == X[:, j], place, -1)
        return codes


class OrdinalEncoder(CategoryTransformer):
    """Write each category as its position, as float; -1 if new."""

    def transform(self, X):
        """Return the codes of X, shape (n, d)."""
        return self.codes(X).astype(float)


class OneHotEncoder(CategoryTransformer):
    """Give each category a column. Implements (3.1.9).

    Parameters
    ----------
    drop_first : bool
        Whether the first category of each column gets none, against (3.1.10).
    """

    def __init__(self, drop_first=False):
        self.drop_first = drop_first

    def transform(self, X):
        """Return zeros and ones, a column for each category kept."""
        codes, first = self.codes(X), int(self.drop_first)
        blocks = [codes[:, [j]] == np.arange(first, len(levels))
                  for j, levels in enumerate(self.categories_)]
        return np.hstack(blocks).astype(float)  # (3.1.9)


class TargetEncoder(CategoryTransformer):
    """Write each category as its smoothed target mean. Implements (3.1.11).

    Parameters
    ----------
    smooth : float
        m, positive: how many samples the overall mean counts for.

    Attributes
    ----------
    mean_ : float, encodings_ : list of ndarray
        Overall mean; the code of each category, for each column.
    """

    def __init__(self, smooth=1.0):
        self.smooth = smooth

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X, y):
        """Learn the codes from X (n, d) and numbers y (n,)."""
        X, y = validate_data(self, X, y, dtype=None, y_numeric=True)
        self.learn(X)
        self.mean_, self.encodings_ = np.mean(y), []
        for j, levels in enumerate(self.categories_):
            code = np.searchsorted(levels, X[:, j])  # (n,)
            size = np.bincount(code)  # (C,)
            total = np.bincount(code, y) + self.smooth * self.mean_
            self.encodings_.append(total / (size + self.smooth))  # (3.1.11)
        return self

    def transform(self, X):
        """Return the target codes of X (n, d); the mean where new."""
        codes = self.codes(X)  # −1 finds the mean, which stands last
        columns = [np.append(t, self.mean_)[codes[:, j]]
                   for j, t in enumerate(self.encodings_)]
        return np.column_stack(columns)


class CrossFitTargetEncoder(TargetEncoder):
    """Code training samples out of fold. Implements (3.1.13), (3.1.11).

    ``fit_transform`` returns (3.1.13), ``fit`` and ``transform`` (3.1.11).

    Parameters
    ----------
    smooth : float
        m, positive.
    n_folds : int
        K, at least 2.
    seed : int
        Decides which sample is in which fold.
    """

    def __init__(self, smooth=1.0, n_folds=5, seed=0):
        super().__init__(smooth)
        self.n_folds = n_folds
        self.seed = seed

    def folds(self, n):
        """Return the fold of each of n samples, shape (n,)."""
        order = np.random.default_rng(self.seed).permutation(n)
        return order % self.n_folds

    def fit_transform(self, X, y):
        """Learn from all samples, but code each without its own fold."""
        self.fit(X, y)
        X, y = np.asarray(X), np.asarray(y)
        fold, Z = self.folds(len(y)), np.empty(X.shape)
        for k in range(self.n_folds):
            rest = TargetEncoder(self.smooth).fit(X[fold != k], y[fold != k])
            Z[fold == k] = rest.transform(X[fold == k])  # (3.1.13)
        return Z


class Scaler(GapTransformer):
    """Base of the scalers of (3.1.14): a subclass defines `_measure`.

    Attributes
    ----------
    center_, scale_ : ndarray (d,)
        Zero and unit of each column.
    """

    def fit(self, X, y=None):
        """Learn zero and unit from X (n, d); return the scaler."""
        self.center_, scale = self._measure(self.checked(X, y))
        constant = scale <= 1e-14 * np.abs(self.center_)  # but for rounding
        self.scale_ = np.where(constant, 1.0, scale)
        return self

    def transform(self, X):
        """Return X (n, d) in the new units; gaps stay."""
        return (self.checked(X) - self.center_) / self.scale_  # (3.1.14)


class Standardizer(Scaler):
    """Mean 0, variance 1 (ddof=0)."""

    def _measure(self, X):
        return np.nanmean(X, axis=0), np.nanstd(X, axis=0)


class MinMaxScaler(Scaler):
    """From 0 to 1."""

    def _measure(self, X):
        low = np.nanmin(X, axis=0)
        return low, np.nanmax(X, axis=0) - low


class RobustScaler(Scaler):
    """Median 0, interquartile range 1."""

    def _measure(self, X):
        low, middle, high = np.nanpercentile(X, [25, 50, 75], axis=0)
        return middle, high - low
