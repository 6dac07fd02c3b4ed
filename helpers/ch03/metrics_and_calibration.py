# Generated from ch03/03_metrics_and_calibration.ipynb by `make export`: do not edit.
"""What ch03/03_metrics_and_calibration.ipynb exports for other notebooks."""

__all__ = ['counts', 'rates', 'threshold_counts', 'roc_curve', 'auc', 'roc_auc', 'precision_recall', 'average_precision', 'brier',
           'log_loss', 'bin_forecasts', 'reliability', 'brier_parts', 'draw', 'NaiveBayes', 'ece', 'platt', 'pool',
           'isotonic', 'score_of', 'CalibratedClassifier']


import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB

from helpers.ch01.logistic_regression import halve, newton_step, sigmoid
from helpers.estimators import BinaryClassifier


def counts(y, y_hat):
    """Count the four outcomes of decisions. Implements (3.3.1).

    Parameters
    ----------
    y, y_hat : array_like (n,)
        Labels and decisions, 0 or 1.

    Returns
    -------
    TP, FP, FN, TN : int
    """
    code = 2 * np.asarray(y, dtype=int) + np.asarray(y_hat, dtype=int)
    TN, FP, FN, TP = np.bincount(code, minlength=4).tolist()  # (3.3.1)
    return TP, FP, FN, TN


def rates(TP, FP, FN, TN):
    """Return the ratios of (3.3.2) to (3.3.4) as a dict; 0/0 is 0."""
    over = lambda a, b: a / b if b else 0.0  # noqa: E731
    margins = (TP + FN) * (FP + TN) * (TP + FP) * (FN + TN)
    return {
        "accuracy": over(TP + TN, TP + FP + FN + TN),  # (3.3.2)
        "recall": over(TP, TP + FN),  # (3.3.2)
        "FPR": over(FP, FP + TN),  # (3.3.2)
        "precision": over(TP, TP + FP),  # (3.3.2)
        "F1": over(2 * TP, 2 * TP + FP + FN),  # (3.3.3)
        "MCC": over(TP * TN - FP * FN, margins**0.5),  # (3.3.4)
    }


def threshold_counts(y, s):
    """Count TP and FP at every threshold. Implements (3.3.7).

    Parameters
    ----------
    y : array_like (n,)
        Labels, 0 or 1.
    s : array_like (n,)
        Scores; equal scores enter together.

    Returns
    -------
    t, TP, FP : ndarray (G,)
        The distinct scores, falling, and the counts where ``s >= t``.
    """
    y, s = np.asarray(y, dtype=int), np.asarray(s, dtype=float)
    order = np.argsort(-s, kind="stable")  # (n,)
    last = np.flatnonzero(np.append(np.diff(s[order]), -1))  # (G,)
    TP = np.cumsum(y[order])[last]  # (3.3.7)
    return s[order][last], TP, last + 1 - TP


def roc_curve(y, s):
    """Return FPR, TPR and thresholds, shape (G+1,), from (0, 0) to (1, 1)."""
    t, TP, FP = threshold_counts(y, s)
    start = lambda v, v0: np.concatenate([[v0], v])  # noqa: E731
    return start(FP / FP[-1], 0.0), start(TP / TP[-1], 0.0), start(t, np.inf)


def auc(x, y):
    """Return the area under the points (x, y), each (m,), by trapezoids."""
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2)  # (3.3.8)


def roc_auc(y, s):
    """Return the area under the ROC curve of scores s (n,). (3.3.8)"""
    return auc(*roc_curve(y, s)[:2])


def precision_recall(y, s):
    """Return precision and recall at each threshold, falling. (3.3.13)"""
    t, TP, FP = threshold_counts(y, s)
    return TP / (TP + FP), TP / TP[-1], t


def average_precision(y, s):
    """Return the mean precision over the positives. Implements (3.3.13)."""
    P, R, _ = precision_recall(y, s)
    return float(np.sum(np.diff(R, prepend=0.0) * P))  # (3.3.13)


def brier(y, p_hat):
    """Return the Brier score of forecasts p_hat (n,). (3.3.17)"""
    return float(np.mean((np.asarray(p_hat) - y) ** 2))  # (3.3.17)


def log_loss(y, p_hat):
    """Return the log-loss; forecasts 0 and 1 are moved inside. (3.3.17)"""
    eps = np.finfo(float).eps
    q = np.clip(p_hat, eps, 1 - eps)  # scikit-learn clips alike
    return float(-np.mean(np.where(y, np.log(q), np.log1p(-q))))  # (3.3.17)


def bin_forecasts(p_hat, n_bins=10, strategy="uniform"):
    """Return the bin (n,) of each forecast: equal widths or "quantile"."""
    edges = np.linspace(0, 1, n_bins + 1)  # (K+1,)
    if strategy == "quantile":
        edges = np.quantile(p_hat, edges)
    return np.searchsorted(edges[1:-1], p_hat)  # an edge falls to the left


def reliability(y, p_hat, k):
    """Return n_k, f_k and o_k of the bins k (n,) that are not empty."""
    n_k = np.bincount(k)
    f_k, o_k = (np.bincount(k, v)[n_k > 0] / n_k[n_k > 0] for v in (p_hat, y))
    return n_k[n_k > 0], f_k, o_k  # (K,) each


def brier_parts(y, p_hat, k):
    """Split the Brier score over the bins k (n,). Implements (3.3.20)."""
    n_k, f_k, o_k = reliability(y, p_hat, k)
    share, place = n_k / n_k.sum(), np.unique(k, return_inverse=True)[1]
    off, dev = p_hat - f_k[place], y - o_k[place]  # (n,), (n,)
    return {"reliability": float(share @ (f_k - o_k) ** 2),  # (3.3.20)
            "resolution": float(share @ (o_k - np.mean(y)) ** 2),
            "uncertainty": float(np.mean(y) * (1 - np.mean(y))),
            "within": float(np.mean(off**2 - 2 * off * dev))}  # (3.3.19)


def draw(n, rng):
    """Return X (n, 5), labels y (n,) and their true probabilities p (n,)."""
    common, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 5))
    X = np.sqrt(0.6) * common + np.sqrt(0.4) * own  # (n, 5)
    p = sigmoid(0.9 * X[:, :3].sum(axis=1) - 3.3)  # (n,)
    return X, (rng.random(n) < p).astype(int), p


class NaiveBayes(GaussianNB):
    """Naive Bayes that also gives its log-odds, before they saturate."""

    def decision_function(self, X):
        log_joint = self.predict_joint_log_proba(X)  # (n, 2)
        return log_joint[:, 1] - log_joint[:, 0]


def ece(y, p_hat, k):
    """Return the expected calibration error over bins k (n,). (3.3.21)"""
    n_k, f_k, o_k = reliability(y, p_hat, k)
    return float(n_k @ np.abs(f_k - o_k) / n_k.sum())  # (3.3.21)


def platt(s, y, n_iter=100):
    """Fit Platt's sigmoid. Implements (3.3.23).

    Parameters
    ----------
    s : array_like (n,)
        Scores of samples that the model was not trained on.
    y : array_like (n,)
        Labels, 0 or 1.

    Returns
    -------
    a, c : float
        Slope and intercept: the forecast is ``sigmoid(a * s + c)``.
    """
    y, scale = np.asarray(y), np.max(np.abs(s)) or 1.0
    S = np.column_stack([np.asarray(s) / scale, np.ones(len(y))])  # (n, 2)
    n1, n0 = np.sum(y == 1), np.sum(y == 0)
    tau = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))  # (3.3.24)

    def loss(v):
        return np.sum(np.logaddexp(0, S @ v) - tau * (S @ v))  # (3.3.23)

    v = np.array([0.0, np.log((n1 + 1) / (n0 + 1))])  # base rate
    for _ in range(n_iter):
        p = sigmoid(S @ v)  # (n,)
        g = S.T @ (p - tau)  # (2,)
        u = newton_step(S, p, g, np.zeros(2))
        if g @ u <= 1e-12:
            break
        v, _ = halve(loss, v, u, g @ u, loss(v))  # (1.4.16)
    return float(v[0] / scale), float(v[1])


def pool(y, w):
    """Return the rising fit g (n,) to y (n,) with weights w. (3.3.25)"""
    means, weights, sizes = [], [], []
    for mean, weight in zip(y.tolist(), w.tolist()):
        size = 1
        while means and means[-1] >= mean:  # a violation, (3.3.25)
            m, v = means.pop(), weights.pop()
            mean = (v * m + weight * mean) / (v + weight)
            weight, size = weight + v, size + sizes.pop()
        means.append(mean)
        weights.append(weight)
        sizes.append(size)
    return np.repeat(means, sizes)


def isotonic(x, y, w=None):
    """Fit a rising function. Implements (3.3.25).

    Parameters
    ----------
    x, y : array_like (n,)
        Scores and targets; equal scores are first merged into their mean.
    w : array_like (n,), optional
        Positive weights, 1 by default.

    Returns
    -------
    knots, g : ndarray (m,)
        The distinct scores and the fit: ``np.interp(x_new, knots, g)``.
    """
    w = np.ones(len(x)) if w is None else np.asarray(w, dtype=float)
    knots, place = np.unique(x, return_inverse=True)
    W = np.bincount(place, w)  # (m,)
    return knots, pool(np.bincount(place, w * y) / W, W)


def score_of(model, X):
    """Return one score a row, (n,): decision_function, or P(class 1)."""
    if hasattr(model, "decision_function"):
        return model.decision_function(X)
    return model.predict_proba(X)[:, 1]


class CalibratedClassifier(BinaryClassifier):
    """A classifier calibrated on out-of-fold scores.

    Implements (3.3.23) or (3.3.25).

    Parameters
    ----------
    model : estimator
        A classifier with ``decision_function`` or ``predict_proba``.
    method : {"platt", "isotonic"}
    cv : int or splitter
        Folds for the scores.

    Attributes
    ----------
    model_ : estimator, trained on all samples.
    map_ : tuple
        (a, c) of Platt's sigmoid, or (knots, g).
    """

    def __init__(self, model, method="platt", cv=5):
        self.model = model
        self.method = method
        self.cv = cv

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        if self.method not in ("platt", "isotonic"):
            raise ValueError(f"method {self.method!r}: 'platt' or 'isotonic'")
        X, y = self.checked(X, y)  # (n, d), (n,)
        scored = hasattr(self.model, "decision_function")
        s = cross_val_predict(
            clone(self.model), X, y, cv=self.cv,
            method="decision_function" if scored else "predict_proba")
        s = s if scored else s[:, 1]  # (n,)
        self.map_ = (platt if self.method == "platt" else isotonic)(s, y)
        self.model_ = clone(self.model).fit(X, y)
        return self

    def predict_proba(self, X):
        """Return calibrated probabilities of both classes, shape (n, 2)."""
        X = self.checked(X)
        s = score_of(self.model_, X)  # (n,)
        p = (sigmoid(self.map_[0] * s + self.map_[1]) if self.method == "platt"
             else np.interp(s, *self.map_))  # (3.3.23) or (3.3.25)
        return np.column_stack([1 - p, p])

    def decision_function(self, X):
        """Return the forecast minus ½, shape (n,)."""
        return self.predict_proba(X)[:, 1] - 0.5
