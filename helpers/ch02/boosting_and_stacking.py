# Generated from ch02/04_boosting_and_stacking.ipynb by `make export`: do not edit.
"""What ch02/04_boosting_and_stacking.ipynb exports for other notebooks."""

__all__ = ['Additive', 'AdaBoost', 'squared', 'logistic', 'GradientBoostingMixin', 'SquaredLoss', 'LogisticLoss',
           'GradientBoostingRegressor', 'GradientBoostingClassifier', 'bin_edges', 'histograms', 'best_cuts',
           'step_down', 'grow_hist', 'HistBoostingMixin', 'HistBoostingRegressor', 'HistBoostingClassifier',
           'majority_error', 'majority_vote', 'output', 'deal', 'out_of_fold', 'StackingMixin', 'StackingRegressor',
           'StackingClassifier']


import numpy as np
from scipy.special import expit
from scipy.stats import binom
from sklearn.base import clone, is_classifier

from helpers.ch01.linear_regression import LinearRegression
from helpers.ch01.logistic_regression import LogisticRegression
from helpers.ch02.trees_and_forests import descend, grow, presort
from helpers.estimators import BinaryClassifier, Regressor


class Additive:
    """A sum of trees, each with its ``value``. Implements (2.4.1)."""

    F_0_ = 0.0

    def _terms(self, X):
        for tree in self.trees_:
            yield tree["value"][descend(tree, X)]  # (n,)

    def _total(self, X):
        X = self.checked(X)
        return self.F_0_ + sum(self._terms(X))  # (n,), (2.4.1)

    def staged(self, X):
        """Return the sum after each round, shape (T, n)."""
        X = self.checked(X)
        return self.F_0_ + np.cumsum(list(self._terms(X)), axis=0)


class AdaBoost(Additive, BinaryClassifier):
    """Adaptive boosting of small trees. Implements (2.4.3) to (2.4.6).

    Parameters
    ----------
    n_estimators : int
        Largest number of rounds.
    max_depth : int
        Depth of each tree; 1 is a stump.

    Attributes
    ----------
    trees_ : list of dict; their ``value`` is the answer times the say
    alphas_, errors_ : ndarray (T,), says and weighted errors
    """

    labels = (-1, 1)

    def __init__(self, n_estimators=50, max_depth=1):
        self.n_estimators = n_estimators
        self.max_depth = max_depth

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        Y, order = np.column_stack([y < 0, y > 0]) * 1.0, presort(X)
        w = np.full(len(y), 1 / len(y))  # (n,)
        self.trees_, alphas, errors = [], [], []
        for _ in range(self.n_estimators):
            tree = grow(X, Y, w, order, "gini", self.max_depth, 1,
                        X.shape[1], None)
            share = tree["value"]  # (nodes, 2)
            vote = np.where(share[:, 1] > share[:, 0], 1.0, -1.0)
            h = vote[descend(tree, X)]  # (n,)
            eps = w[h != y].sum()  # (2.4.4)
            if eps >= 0.5 and errors:
                break  # no better than a coin
            alpha = np.log((1 - eps) / eps) / 2 if eps > 0 else 0.5  # (2.4.5)
            tree["value"] = alpha * vote
            self.trees_.append(tree)
            alphas, errors = [*alphas, alpha], [*errors, eps]
            if eps <= 0:
                break
            w = w * np.exp(-alpha * y * h)  # (2.4.6)
            w = np.maximum(w / w.sum(), 1e-12)  # Z, and a floor
        self.alphas_, self.errors_ = np.array(alphas), np.array(errors)
        return self

    def decision_function(self, X):
        """Return the weighted votes for each row of X, shape (n,)."""
        return self._total(X)


def squared(y, F):
    """Return loss, r and h of the squared loss, (n,) each. (2.4.8)"""
    return (y - F) ** 2 / 2, y - F, np.ones(len(y))


def logistic(y, F):
    """Return loss, r and h of the logistic loss, (n,) each. (2.4.11)"""
    p = expit(F)
    return np.logaddexp(0, F) - y * F, y - p, p * (1 - p)  # (2.4.11)


class GradientBoostingMixin(Additive):
    """What boosting for numbers and for classes have in common."""

    def __init__(self, n_estimators=100, learning_rate=0.1, max_depth=3,
                 min_samples_leaf=1, subsample=1.0, random_state=None):
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.subsample = subsample
        self.random_state = random_state

    def _boost(self, X, y):
        rng, order, (n, d) = self._rng(), presort(X), X.shape
        self.F_0_, self.trees_, self.train_loss_ = self.start(y), [], []
        F, ones = np.full(n, self.F_0_), np.ones(n)  # (n,)
        for _ in range(self.n_estimators):
            _, r, h = self.loss(y, F)  # (2.4.8)
            seen = rng.permutation(n) < self.subsample * n  # (n,)
            tree = grow(X, r[:, None], ones, order[seen[order]].reshape(d, -1),
                        "squared_error", self.max_depth,
                        self.min_samples_leaf, d, rng)
            leaf, nodes = descend(tree, X), len(tree["n"])  # (n,)
            R = np.bincount(leaf, r * seen, nodes)  # (nodes,)
            H = np.bincount(leaf, h * seen, nodes)
            value = R / np.maximum(H, 1e-150)  # (2.4.12), 0 in inner nodes
            tree["value"] = self.learning_rate * value
            F = F + tree["value"][leaf]  # (2.4.9)
            self.trees_.append(tree)
            self.train_loss_.append(self.loss(y, F)[0].mean())
        return self

    def _rng(self):
        return np.random.default_rng(self.random_state)


class SquaredLoss(Regressor):
    """Fit and predict with the squared loss, from the mean. (2.4.8)"""

    loss, start = staticmethod(squared), staticmethod(np.mean)

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        return self._boost(X, y)

    def predict(self, X):
        """Return the sum of the trees for each row of X, shape (n,)."""
        return self._total(X)


class LogisticLoss(BinaryClassifier):
    """Fit and predict with the logistic loss, from the log-odds. (2.4.11)"""

    loss = staticmethod(logistic)

    @staticmethod
    def start(y):
        """Return the log-odds of the labels y (n,). (2.4.11)"""
        return np.log(y.mean() / (1 - y.mean()))

    fit = SquaredLoss.fit

    def decision_function(self, X):
        """Return the log-odds of the larger class, shape (n,)."""
        return self._total(X)

    def predict_proba(self, X):
        """Return the probabilities of the two classes, shape (n, 2)."""
        p = expit(self.decision_function(X))  # (n,)
        return np.column_stack([1 - p, p])


class GradientBoostingRegressor(GradientBoostingMixin, SquaredLoss):
    """Boosted regression trees. Implements (2.4.9), (2.4.12).

    Parameters
    ----------
    n_estimators, max_depth, min_samples_leaf : int
        Number of trees, and their size.
    learning_rate, subsample : float
        Share of each step that is taken, and of the samples a tree sees.
    random_state : int or None

    Attributes
    ----------
    trees_ : list of dict, F_0_ : float
    train_loss_ : list of float, mean loss after each tree
    """


class GradientBoostingClassifier(GradientBoostingMixin, LogisticLoss):
    """Boosted trees for two classes; as `GradientBoostingRegressor`."""


def bin_edges(x, bins):
    """Return at most bins - 1 ascending edges of one column x (n,)."""
    values = np.unique(x)
    if len(values) <= bins:
        return (values[1:] + values[:-1]) / 2
    share = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.quantile(x, share, method="averaged_inverted_cdf")
    return np.unique(edges)


def histograms(codes, node, q, v, bins):
    """Sum v (n,) by node, feature and bin, shape (q, d, bins). (2.4.17)

    `codes` (d, n) holds the bins, a feature a row; `node` (n,) is 0 … q-1.
    """
    first = node * bins  # (n,), where the bins of each sample's node begin
    total = [np.bincount(first + code, v, q * bins) for code in codes]
    return np.reshape(total, (len(codes), q, bins)).swapaxes(0, 1)


def best_cuts(G, H, lam, gamma, min_hessian):
    """Return gain, feature and bin of each node's best cut, (q,) each.

    `G` and `H` are histograms (q, d, bins). Implements (2.4.16).
    """
    G_L, H_L = G.cumsum(axis=2), H.cumsum(axis=2)  # (2.4.17)
    G_all, H_all = G_L[:, :, -1:], H_L[:, :, -1:]  # (q, d, 1)
    G_R, H_R = G_all - G_L, H_all - H_L
    fair = np.minimum(H_L, H_R) >= min_hessian  # (q, d, bins)
    apart = sum(a**2 / np.where(fair, b + lam, 1)
                for a, b in ((G_L, H_L), (G_R, H_R)))
    whole = G_all**2 / np.maximum(H_all + lam, 1e-150)
    gain = np.where(fair, (apart - whole) / 2 - gamma, -1.0)  # (2.4.16)
    gain = gain.reshape(len(G), -1)  # (q, d·bins)
    top = gain.max(axis=1, keepdims=True)  # (q, 1)
    best = np.argmax(gain >= top - 1e-10 * np.abs(top), axis=1)  # (q,)
    return gain[np.arange(len(G)), best], *np.divmod(best, G.shape[2])


def step_down(tree, codes, t):
    """Return the child to which each sample goes from its node t (n,)."""
    code = codes[tree["feature"][t], np.arange(len(t))]  # (n,)
    return tree["left"][t] + (code > tree["cut"][t])


def grow_hist(codes, g, h, bins, depth, lam, gamma, min_hessian):
    """Return a tree as a dict of arrays, and each sample's leaf (n,).

    Samples with g = h = 0 do not count, but go down all the same.
    Implements (2.4.15), (2.4.16).
    """
    size = 2 ** (depth + 1) - 1
    tree = {"feature": np.zeros(size, dtype=int), "left": np.arange(size),
            "cut": np.full(size, bins)}
    node, rows = np.zeros(len(g), dtype=int), np.arange(len(g))
    for level in range(depth):
        first, q = 2**level - 1, 2**level
        own, c = node[rows] - first, codes[:, rows]  # open samples only
        G, H = (histograms(c, own, q, v[rows], bins) for v in (g, h))
        gain, j, b = best_cuts(G, H, lam, gamma, min_hessian)
        worth = gain > 0  # (q,)
        t = first + np.flatnonzero(worth)
        tree["feature"][t], tree["left"][t] = j[worth], 2 * t + 1
        tree["cut"][t] = b[worth]
        rows = rows[worth[own]]
        node[rows] = step_down(tree, codes[:, rows], node[rows])
    G, H = np.bincount(node, g, size), np.bincount(node, h, size)
    tree["value"] = -G / np.maximum(H + lam, 1e-150)  # (2.4.15)
    return tree, node


class HistBoostingMixin(Additive):
    """What second-order boosting on histograms needs for any loss."""

    def __init__(self, n_estimators=100, learning_rate=0.1, max_depth=3,
                 lam=1.0, gamma=0.0, min_hessian=1.0, bins=255, subsample=1.0,
                 patience=None, held_out=0.2, random_state=None):
        self.n_estimators, self.learning_rate = n_estimators, learning_rate
        self.max_depth, self.lam, self.gamma = max_depth, lam, gamma
        self.min_hessian, self.bins = min_hessian, bins
        self.subsample, self.patience = subsample, patience
        self.held_out, self.random_state = held_out, random_state

    def _codes(self, X):
        return np.array([np.searchsorted(edges, x)
                         for edges, x in zip(self.edges_, X.T)])  # (d, n)

    def _boost(self, X, y):
        n, rng = len(y), np.random.default_rng(self.random_state)
        stop = self.patience is not None
        out = rng.permutation(n) < (self.held_out * n if stop else 0)  # (n,)
        self.edges_ = [bin_edges(x[~out], self.bins) for x in X.T]
        codes, self.F_0_ = self._codes(X), self.start(y[~out])
        F, self.trees_, self.watched_ = np.full(n, self.F_0_), [], []
        for t in range(self.n_estimators):
            _, r, h = self.loss(y, F)  # (2.4.8), g = -r
            seen = ~out & (rng.permutation(n) < self.subsample * n)
            tree, leaf = grow_hist(
                codes, -r * seen, h * seen, self.bins, self.max_depth,
                self.lam, self.gamma, self.min_hessian)
            tree["value"] *= self.learning_rate
            F = F + tree["value"][leaf]  # (2.4.9)
            self.trees_.append(tree)
            watched = out if stop else ~out
            self.watched_.append(self.loss(y[watched], F[watched])[0].mean())
            best = int(np.argmin(self.watched_))
            if stop and t - best >= self.patience:
                break
        self.trees_ = self.trees_[: best + 1] if stop else self.trees_
        return self

    def _terms(self, X):
        codes = self._codes(X)  # (d, n)
        for tree in self.trees_:
            t = np.zeros(len(X), dtype=int)
            for _ in range(self.max_depth):
                t = step_down(tree, codes, t)
            yield tree["value"][t]


class HistBoostingRegressor(HistBoostingMixin, SquaredLoss):
    """Second-order boosting on histograms. Implements (2.4.14) to (2.4.17).

    Parameters
    ----------
    n_estimators, max_depth, bins : int
        Trees, their depth, and bins a feature.
    lam, gamma, min_hessian : float
        Prices of (2.4.14), and the least H in a leaf, positive.
    learning_rate, subsample : float
        Shares of each step, and of the samples a tree sees.
    patience : int or None, held_out : float
        Rounds without improvement before it stops, and the share of the
        samples that is watched; None runs all rounds on all samples.
    random_state : int or None

    Attributes
    ----------
    trees_ : list of dict, F_0_ : float, edges_ : list of ndarray
    watched_ : list of float, held-out (or training) loss by round
    """


class HistBoostingClassifier(HistBoostingMixin, LogisticLoss):
    """The same for two classes; as `HistBoostingRegressor`."""


def majority_error(eps, M):
    """Return the chance that most of M independent voters err. (2.4.18)"""
    return binom.sf(M // 2, M, eps)  # (2.4.18), P(more than M // 2)


def majority_vote(answers):
    """Return what most voters say; `answers` is (M, n), the result (n,).

    Of labels with equally many votes the smallest is returned.
    """
    labels = np.unique(answers)  # (K,)
    votes = [(np.asarray(answers) == label).sum(axis=0) for label in labels]
    return labels[np.argmax(votes, axis=0)]


def output(model, X):
    """Return one number for each row of X, shape (n,).

    The probability of the larger class, or the net input if there is none;
    for a regressor the prediction.
    """
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X)[:, 1]
    if is_classifier(model):
        return model.decision_function(X)
    return model.predict(X)


def deal(y, folds, rng):
    """Return the fold of each sample, (n,): 0 … folds-1, alike in y."""
    if len(y) < folds:
        raise ValueError(f"{folds} folds, but n_samples = {len(y)}")
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), dtype=int)
    fold[order] = np.arange(len(y)) % folds
    return fold


def out_of_fold(model, X, y, fold):
    """Return the output for each sample by a model that never saw it, (n,)."""
    z = np.empty(len(y))
    for k in np.unique(fold):
        rest = clone(model).fit(X[fold != k], y[fold != k])
        z[fold == k] = output(rest, X[fold == k])  # (2.4.19)
    return z


class StackingMixin:
    """What stacking for numbers and for classes have in common."""

    def __init__(self, models=None, final=None, folds=5, random_state=0):
        self.models = models
        self.final = final
        self.folds = folds
        self.random_state = random_state

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        booster, line = self.defaults
        models = self.models or [booster(), line()]
        final = self.final or line()
        rng = np.random.default_rng(self.random_state)
        self.fold_ = deal(y, self.folds, rng)  # (n,)
        Z = [out_of_fold(model, X, y, self.fold_) for model in models]
        self.final_ = clone(final).fit(np.column_stack(Z), y)  # (2.4.19)
        self.models_ = [clone(model).fit(X, y) for model in models]
        return self

    def _stacked(self, X):
        X = self.checked(X)
        return np.column_stack([output(m, X) for m in self.models_])  # (n, M)


class StackingRegressor(StackingMixin, Regressor):
    """Combine regressors by another one. Implements (2.4.19).

    Parameters
    ----------
    models : list of estimators, optional
    final : estimator, optional
        Learns from their out-of-fold outputs.
    folds : int
    random_state : int or None
        Seed of the folds.

    Attributes
    ----------
    models_, final_ : the fitted ones
    fold_ : ndarray (n,), the fold of each sample
    """

    defaults = GradientBoostingRegressor, LinearRegression

    def predict(self, X):
        """Return the final model's predictions, shape (n,)."""
        Z = self._stacked(X)  # (n, M)
        return self.final_.predict(Z)


class StackingClassifier(StackingMixin, BinaryClassifier):
    """Combine classifiers by another one; as `StackingRegressor`."""

    defaults = AdaBoost, LogisticRegression

    def decision_function(self, X):
        """Return the final model's decision values, shape (n,)."""
        Z = self._stacked(X)  # (n, M)
        return self.final_.decision_function(Z)
