# Generated from ch02/03_trees_and_forests.ipynb by `make export`: do not edit.
"""What ch02/03_trees_and_forests.ipynb exports for other notebooks."""

__all__ = ['CRITERIA', 'squares', 'bits', 'variance', 'entropy', 'presort', 'score_cuts', 'first_best', 'describe',
           'draw_features', 'split_level', 'grow', 'descend', 'weakest_links', 'prune', 'TreeMixin',
           'DecisionTreeClassifier', 'DecisionTreeRegressor', 'ForestMixin', 'RandomForestClassifier',
           'RandomForestRegressor']


import numpy as np
from scipy.special import xlogy
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils.validation import _check_sample_weight

from helpers.estimators import Classifier, Regressor


def squares(S, W):
    """Score nodes with sums S (K, …) and W (…) by variance. (2.3.6)"""
    return np.einsum("k...,k...->...", S, S) / W  # (2.3.6)


def bits(S, W):
    """Score nodes with sums S (K, …) and W (…) by entropy, in bits."""
    return (xlogy(S, S).sum(axis=0) - xlogy(W, W)) / np.log(2)  # (2.3.1)


def variance(Y, w, mean, node):
    """Return the variance in each node; `node` (a,) says who is where."""
    off = ((Y - mean[node]) ** 2).sum(axis=1)  # (a,)
    return np.bincount(node, w * off) / np.bincount(node, w)  # (2.3.8)


def entropy(Y, w, mean, node):
    """Return the entropy of the shares `mean` (q, K) of each node, in bits."""
    return -xlogy(mean, mean).sum(axis=1) / np.log(2)  # (2.3.1)


CRITERIA = {"gini": (squares, variance), "entropy": (bits, entropy),
            "squared_error": (squares, variance)}


def presort(X):
    """Return, for each feature, the samples in ascending order, (d, n)."""
    return np.argsort(X.T, axis=1, kind="stable")


def score_cuts(x, stats, start, size, score, min_leaf):
    """Score the cut after every column, −inf where no cut is allowed.

    Parameters
    ----------
    x : ndarray (m, a)
        One feature a row, sorted within each node.
    stats : ndarray (1 + K, m, a)
        Weights, and weights times targets, in the same order.
    start, size : ndarray (q,)
        First column and number of columns of each node.
    score : callable
        (2.3.6), or its form for entropy.
    min_leaf : int
        Fewest samples on either side, at least 1.
    """
    end = start + size - 1  # (q,)
    L = np.cumsum(stats, axis=2)  # (1+K, m, a)
    before = L[:, :, start] - stats[:, :, start]  # (1+K, m, q)
    total = L[:, :, end] - before  # (1+K, m, q)
    L -= np.repeat(before, size, axis=2)  # sums on the left of each cut
    R = np.repeat(total, size, axis=2) - L  # and on the right
    R[:, :, end] = 1.0  # nothing is right of a node's end: refused below
    left = np.arange(x.shape[1]) - np.repeat(start, size) + 1  # (a,)
    right = np.repeat(size, size) - left  # (a,)
    allowed = np.zeros(x.shape, dtype=bool)  # (m, a)
    allowed[:, :-1] = x[:, :-1] < x[:, 1:]  # no cut between equal values
    allowed &= np.minimum(left, right) >= min_leaf
    c = score(L[1:], L[0]) + score(R[1:], R[0])  # (2.3.6), (m, a)
    return np.where(allowed, c, -np.inf)


def first_best(c, start, size):
    """Return row, column and existence of each node's best cut, (q,) each."""
    node = np.repeat(np.arange(len(size)), size)  # (a,)
    best = np.maximum.reduceat(c, start, axis=1)  # (m, q)
    top = best.max(axis=0)  # (q,)
    near = top - 1e-12 * np.abs(top)  # equal up to rounding
    row = np.argmax(best >= near, axis=0)  # (q,)
    hit = c[row[node], np.arange(len(node))] >= near[node]  # (a,)
    column = start.copy()
    last_to_first = np.flatnonzero(hit)[::-1]
    column[node[last_to_first]] = last_to_first  # the first one stays
    return row, column, np.isfinite(top)


def describe(stats, Y, order, size, impurity, made):
    """Return what is known of the open nodes, as a dict of arrays (q, …)."""
    start, q = np.cumsum(size) - size, len(size)
    node, rows = np.repeat(np.arange(q), size), order[0]  # (a,), (a,)
    total = np.add.reduceat(stats[:, rows], start, axis=1)  # (1+K, q)
    mean = (total[1:] / total[0]).T  # (q, K)
    own = np.arange(made - q, made)  # (q,)
    return {"children": np.column_stack([own, own]), "n": size,
            "feature": np.zeros(q, dtype=int), "weight": total[0],
            "threshold": np.zeros(q), "value": mean,
            "impurity": impurity(Y[rows], stats[0, rows], mean, node)}


def draw_features(XT, order, size, m, rng):
    """Return m features for each open node, (m, q); all of them if m = d."""
    d, q = len(XT), len(size)
    every = np.repeat(np.arange(d)[:, None], q, axis=1)  # (d, q)
    if m >= d:
        return every
    start, end = np.cumsum(size) - size, np.cumsum(size) - 1
    constant = XT[every, order[:, start]] == XT[every, order[:, end]]
    key = rng.random((d, q)) + constant  # constant features come last
    return np.sort(np.argpartition(key, m - 1, axis=0)[:m], axis=0)


def split_level(XT, stats, order, size, score, min_leaf, m, rng):
    """Split the open nodes: return the cuts, and the children's order."""
    a, q, start = order.shape[1], len(size), np.cumsum(size) - size
    node, col = np.repeat(np.arange(q), size), np.arange(a)  # (a,), (a,)
    drawn = draw_features(XT, order, size, m, rng)  # (m, q)
    rows = drawn[:, node]  # (m, a)
    sub = order if m >= len(XT) else order[rows, col]  # (m, a)
    x = XT[rows, sub]  # (m, a)
    c = score_cuts(x, stats[:, sub], start, size, score, min_leaf)
    row, at, found = first_best(c, start, size)  # (q,) each
    feature = drawn[row, np.arange(q)]  # (q,)
    low, high = x[row, at], x[row, np.minimum(at + 1, a - 1)]
    middle = low / 2 + high / 2  # no overflow
    threshold = np.where(middle < high, middle, low)  # rounded up: take low

    left = np.zeros(XT.shape[1], dtype=bool)  # (n,)
    left[order[feature[node], col]] = col <= at[node]
    goes = found[node]  # (a,)
    side = left[order]  # (d, a)
    halves = [order[(side == yes) & goes] for yes in (True, False)]
    order = np.hstack([half.reshape(len(XT), -1) for half in halves])
    n_left = (at - start + 1)[found]
    size = np.concatenate([n_left, size[found] - n_left])
    return feature, threshold, found, order, size


def grow(X, Y, w, order, criterion, max_depth, min_leaf, m, rng):
    """Grow a tree on presorted columns `order` (d, a); return its arrays."""
    score, impurity = CRITERIA[criterion]
    XT, stats = np.ascontiguousarray(X.T), np.vstack([w, w * Y.T])
    size, levels, made = np.array([order.shape[1]]), [], 1
    while len(size):
        level = describe(stats, Y, order, size, impurity, made)
        levels.append(level)
        pure = 1e-14 * levels[0]["impurity"][0]  # zero up to rounding
        ready = (level["impurity"] > pure) & (size >= 2 * min_leaf)
        if not ready.any() or len(levels) - 1 == max_depth:
            break
        order, size = order[:, np.repeat(ready, size)], size[ready]
        feature, threshold, found, order, size = split_level(
            XT, stats, order, size, score, min_leaf, m, rng)
        t = np.flatnonzero(ready)[found]  # nodes of this level that split
        level["feature"][t] = feature[found]
        level["threshold"][t] = threshold[found]
        left = made + np.arange(len(t))
        level["children"][t] = np.column_stack([left, left + len(t)])
        made += 2 * len(t)
    names = levels[0]
    return {k: np.concatenate([level[k] for level in levels]) for k in names}


def descend(tree, X):
    """Return the leaf of each row of X, (n,); all samples step at once."""
    t, rows = np.zeros(len(X), dtype=int), np.arange(len(X))  # (n,)
    while True:
        no = X[rows, tree["feature"][t]] > tree["threshold"][t]  # (n,)
        below = tree["children"][t, no.astype(int)]
        if np.array_equal(below, t):
            return t
        t = below


def weakest_links(tree):
    """Return (alpha, impurity after the cut, node) of every cut. (2.3.11)"""
    R = tree["weight"] / tree["weight"][0] * tree["impurity"]  # (T,)
    children, own = tree["children"], np.arange(len(R))
    inner = children[:, 0] != own  # (T,)
    parent = np.full(len(R), -1)
    parent[children[inner]] = own[inner, None]
    below = np.where(inner, 0.0, R)  # impurity of the leaves below
    leaves = np.where(inner, 0, 1)
    for t in own[:0:-1]:  # a child comes after its parent
        below[parent[t]] += below[t]
        leaves[parent[t]] += leaves[t]
    path = []
    while inner[0]:
        g = (R - below) / np.maximum(leaves - 1, 1)  # (2.3.11), (T,)
        t = int(np.argmin(np.where(inner, g, np.inf)))
        more, fewer = R[t] - below[t], leaves[t] - 1
        stack, above = [t], t
        while above >= 0:
            below[above] += more
            leaves[above] -= fewer
            above = parent[above]
        while stack:
            if inner[s := stack.pop()]:
                inner[s] = False
                stack += children[s].tolist()
        path.append((g[t], below[0], t))
    return path


def prune(tree, alpha):
    """Return the smallest tree that minimizes (2.3.10) for this price."""
    children, keep = tree["children"].copy(), tree["n"] < 0  # all False
    for g, _, t in weakest_links(tree):
        if g > alpha:
            break
        children[t] = t
    keep[0] = True
    for t in range(len(keep)):
        keep[children[t]] |= keep[t]
    new = {name: values[keep] for name, values in tree.items()}
    new["children"] = (np.cumsum(keep) - 1)[children[keep]]
    leaf = new["children"][:, 0] == np.arange(keep.sum())
    new["threshold"] = np.where(leaf, 0, new["threshold"])
    return new


class TreeMixin:
    """What a classification and a regression tree have in common."""

    def _grow(self, X, Y, w, order, rng):
        d, m = X.shape[1], self.max_features
        if m == "sqrt":
            m = np.sqrt(d)
        elif m is None or isinstance(m, float):
            m = d * (1.0 if m is None else m)
        order = order[w[order] > 0].reshape(d, -1)  # weight 0: not there
        tree = grow(X, Y, w, order, self.criterion, self.max_depth,
                    self.min_samples_leaf, max(1, int(m)), rng)
        if self.ccp_alpha > 0:
            tree = prune(tree, self.ccp_alpha)
        self._keep(tree)
        return self

    def _keep(self, tree):
        for name, values in tree.items():
            setattr(self, name + "_", values)

    def _tree(self):
        names = ("children", "feature", "threshold", "impurity", "weight")
        return {name: getattr(self, name + "_") for name in names}

    def apply(self, X):
        """Return the leaf of each row of X, shape (n,)."""
        X = self.checked(X)
        return descend(self._tree(), X)

    def cost_complexity_pruning_path(self, X, y, sample_weight=None):
        """Return `ccp_alphas` and `impurities` of all prunings. (2.3.11)"""
        full = clone(self).set_params(ccp_alpha=0.0)
        full.fit(X, y, sample_weight)
        R = full.weight_ / full.weight_[0] * full.impurity_
        leaf = full.children_[:, 0] == np.arange(len(R))
        steps = [(0.0, R[leaf].sum()), *weakest_links(full._tree())]
        alphas, impurities = zip(*[step[:2] for step in steps])
        return Bunch(ccp_alphas=np.array(alphas),
                     impurities=np.array(impurities))


class DecisionTreeClassifier(TreeMixin, Classifier):
    """A classification tree. Implements (2.3.3), (2.3.6), (2.3.11).

    Parameters
    ----------
    criterion : {"gini", "entropy"}
    max_depth : int, optional
        Largest number of questions in a row; unlimited by default.
    min_samples_leaf : int
        Fewest samples in a leaf, whatever their weights.
    max_features : None, "sqrt", int or float
        Features drawn for each node: all, √d, a number, or a share.
    ccp_alpha : float
        Price of a leaf, (2.3.10); 0 leaves the tree unpruned.
    random_state : int or Generator, optional
        Used when features are drawn.

    Attributes
    ----------
    children_ (T, 2), feature_, threshold_, value_ (T, K), impurity_, n_,
    weight_ : the arrays of the tree; a leaf is its own child.
    """

    def __init__(self, criterion="gini", max_depth=None, min_samples_leaf=1,
                 max_features=None, ccp_alpha=0.0, random_state=None):
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.ccp_alpha = ccp_alpha
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        w = _check_sample_weight(sample_weight, X)  # (n,)
        rng = np.random.default_rng(self.random_state)
        Y = np.eye(len(self.classes_))[y]  # (n, K)
        return self._grow(X, Y, w, presort(X), rng)

    def predict_proba(self, X):
        """Return the shares of the classes in each leaf, shape (n, K)."""
        leaf = self.apply(X)
        return self.value_[leaf]  # (2.3.9)


class DecisionTreeRegressor(TreeMixin, Regressor):
    """A regression tree: least squares. Implements (2.3.7), (2.3.11).

    Parameters and attributes as in `DecisionTreeClassifier`, without
    `criterion`; `value_` has shape (T,), in the units of y.
    """

    criterion = "squared_error"

    def __init__(self, max_depth=None, min_samples_leaf=1, max_features=None,
                 ccp_alpha=0.0, random_state=None):
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.ccp_alpha = ccp_alpha
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        w = _check_sample_weight(sample_weight, X)  # (n,)
        rng, center = np.random.default_rng(self.random_state), y.mean()
        self._grow(X, (y - center)[:, None], w, presort(X), rng)
        self.value_ = center + self.value_[:, 0]  # (T,)
        return self

    def predict(self, X):
        """Return the mean target of each leaf, shape (n,)."""
        leaf = self.apply(X)
        return self.value_[leaf]  # (2.3.9)


class ForestMixin:
    """What a classification and a regression forest have in common."""

    def __init__(self, n_estimators=100, max_features="sqrt", max_depth=None,
                 min_samples_leaf=1, random_state=None):
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state

    def _fit_trees(self, X, Y, tree):
        rng, n = np.random.default_rng(self.random_state), len(X)
        order = presort(X)  # (d, n), once for all trees
        tree.set_params(max_features=self.max_features,
                        max_depth=self.max_depth,
                        min_samples_leaf=self.min_samples_leaf)
        self.estimators_ = []
        votes, voters = np.zeros(Y.shape), np.zeros((n, 1))
        for _ in range(self.n_estimators):
            drawn = np.bincount(rng.integers(0, n, n), minlength=n)
            grown = clone(tree)._grow(X, Y, drawn.astype(float), order, rng)
            self.estimators_.append(grown)
            out = drawn == 0  # about 37 % of the rows, (2.3.14)
            votes[out] += grown.value_[descend(grown._tree(), X[out])]
            voters[out] += 1
        self.oob_seen_ = voters[:, 0] > 0  # (n,)
        return votes / np.maximum(voters, 1)  # (2.3.15), (n, K)

    def _average(self, X):
        leaves = (tree.value_[descend(tree._tree(), X)]
                  for tree in self.estimators_)
        return sum(leaves) / self.n_estimators  # (n, K)


class RandomForestClassifier(ForestMixin, Classifier):
    """A forest of classification trees. Implements (2.3.13), (2.3.15).

    Parameters
    ----------
    n_estimators : int
        Number of trees, B.
    max_features, max_depth, min_samples_leaf
        As in `DecisionTreeClassifier`; ``max_features=None`` is bagging.
    random_state : int or Generator, optional

    Attributes
    ----------
    estimators_ : list of DecisionTreeClassifier
    oob_decision_function_ : ndarray (n, K), and oob_score_ : float
        Out-of-bag shares, and the accuracy of the classes they name.
    """

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        Y = np.eye(len(self.classes_))[y]  # (n, K)
        P = self._fit_trees(X, Y, DecisionTreeClassifier())
        self.oob_decision_function_ = P  # (n, K)
        right = P.argmax(axis=1) == y
        self.oob_score_ = float(right[self.oob_seen_].mean())
        return self

    def predict_proba(self, X):
        """Return the mean shares over the trees, shape (n, K)."""
        X = self.checked(X)
        return self._average(X)


class RandomForestRegressor(ForestMixin, Regressor):
    """A forest of regression trees; parameters as in the classifier's."""

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        self.center_ = y.mean()
        out = self._fit_trees(X, (y - self.center_)[:, None],
                              DecisionTreeRegressor())
        self.oob_prediction_ = self.center_ + out[:, 0]  # (n,)
        return self

    def predict(self, X):
        """Return the mean prediction of the trees, shape (n,)."""
        X = self.checked(X)
        return self.center_ + self._average(X)[:, 0]
