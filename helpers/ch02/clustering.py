# Generated from ch02/06_clustering.ipynb by `make export`: do not edit.
"""What ch02/06_clustering.ipynb exports for other notebooks."""

__all__ = ['COEFFICIENTS', 'squared_norms', 'assign', 'lloyd', 'plus_plus', 'KMeans', 'silhouettes', 'adjusted_rand',
           'log_normal', 'moments', 'Mixture', 'GaussianMixture', 'merge', 'Agglomerative', 'neighborhoods', 'DBSCAN']


import numpy as np
from scipy.linalg import solve_triangular
from scipy.spatial.distance import pdist, squareform
from scipy.special import logsumexp
from sklearn.base import DensityMixin

from helpers.estimators import Clusterer


def squared_norms(X):
    """Return ‖x_i‖² of each row, shape (n,)."""
    return np.einsum("nd,nd->n", X, X)


def assign(X, C):
    """Return labels and squared distances to the nearest center, (n,) each."""
    D = X @ (-2 * C.T)  # (n, K)
    D += squared_norms(C)  # (2.6.6) without ‖x_i‖²
    c = D.argmin(axis=1)  # (2.6.2), (n,)
    return c, D[np.arange(len(X)), c] + squared_norms(X)


def lloyd(X, C, n_iter=300):
    """Alternate (2.6.2) and (2.6.3) from centers C until no label changes.

    Returns the centers (K, d), the labels (n,), and J after each assignment.
    """
    clusters = np.arange(len(C))[:, None]  # (K, 1)
    S, N = np.zeros(C.shape), np.zeros(len(C))  # (K, d), (K,)
    c, path = np.full(len(X), -1), []
    while True:
        new, near = assign(X, C)  # (n,), (n,)
        path.append(near.sum())  # (2.6.1)
        moved = np.flatnonzero(new != c)  # (m,)
        if len(moved) == 0 or len(path) > n_iter:
            return C, new, path
        change = 1.0 * (new[moved] == clusters)  # who arrives, (K, m)
        change -= c[moved] == clusters  # who leaves
        S, N, c = S + change @ X[moved], N + change.sum(axis=1), new
        for k in np.flatnonzero(N == 0):
            i = np.where(N[c] > 1, near, -1).argmax()  # the farthest sample
            S[c[i]], N[c[i]] = S[c[i]] - X[i], N[c[i]] - 1
            S[k], N[k], c[i], near[i] = X[i], 1, k, 0
        C = S / N[:, None]  # (2.6.3)


def plus_plus(X, K, rng):
    """Draw K samples as first centers, shape (K, d). Implements (2.6.7)."""
    C = X[[rng.integers(len(X))]]  # (1, d)
    D = squared_norms(X - C[0])  # D_i², (n,)
    while len(C) < K:
        total = D.cumsum()  # (n,)
        i = np.searchsorted(total, rng.uniform() * total[-1])  # (2.6.7)
        C = np.vstack([C, X[min(i, len(X) - 1)]])
        D = np.minimum(D, squared_norms(X - C[-1]))
    return C


class KMeans(Clusterer):
    """K centers with the least squared distances. Implements (2.6.1)-(2.6.3).

    Parameters
    ----------
    n_clusters : int
    start : {"k-means++", "random"} or array (n_clusters, d)
        How the first centers are drawn, or the centers themselves.
    n_init, n_iter : int
        Number of starts, and largest number of rounds for each.
    random_state : int or Generator, optional

    Attributes
    ----------
    labels_ : ndarray (n,), centers_ : ndarray (n_clusters, d)
    inertia_ : float, path_ : list of float
        The inertia, and its value after each assignment.
    """

    def __init__(self, n_clusters=8, start="k-means++", n_init=1, n_iter=300,
                 random_state=None):
        self.n_clusters, self.start = n_clusters, start
        self.n_init, self.n_iter = n_init, n_iter
        self.random_state = random_state

    def fit(self, X, y=None):
        """Find centers and labels for X (n, d); return the estimator."""
        X, K = self.checked(X, y), self.n_clusters
        if K > len(X):
            raise ValueError(f"n_samples = {len(X)} is less than {K} clusters")
        rng = np.random.default_rng(self.random_state)
        shift = X.mean(axis=0)  # (d,)
        starts = [self._start(X, rng) - shift for _ in range(self.n_init)]
        runs = [lloyd(X - shift, C, self.n_iter) for C in starts]
        C, self.labels_, self.path_ = min(runs, key=lambda run: run[2][-1])
        self.centers_, self.inertia_ = C + shift, self.path_[-1]
        return self

    def _start(self, X, rng):
        if not isinstance(self.start, str):
            return np.asarray(self.start, dtype=np.float64)
        if self.start == "random":
            return rng.choice(X, self.n_clusters, replace=False)
        return plus_plus(X, self.n_clusters, rng)

    def predict(self, X):
        """Return the nearest center of each row of X, shape (n,)."""
        X, shift = self.checked(X), self.centers_.mean(axis=0)
        return assign(X - shift, self.centers_ - shift)[0]


def silhouettes(X, c):
    """Return s_i, (n,), for labels c in 0 … K−1. Implements (2.6.9)."""
    rows, N = np.arange(len(X)), np.bincount(c)  # (n,), (K,)
    R = 1.0 * (c[:, None] == np.arange(len(N)))  # (n, K)
    T = squareform(pdist(X)) @ R  # sums of distances, (n, K)
    a = T[rows, c] / np.maximum(N[c] - 1, 1)  # (n,)
    T[rows, c] = np.inf
    b = (T / N).min(axis=1)  # (n,)
    return np.where(N[c] > 1, (b - a) / np.maximum(a, b), 0.0)  # (2.6.9)


def adjusted_rand(c, t):
    """Return the agreement of two labelings (n,). Implements (2.6.10)."""
    _, c = np.unique(c, return_inverse=True)
    _, t = np.unique(t, return_inverse=True)
    M = np.zeros((c.max() + 1, t.max() + 1))  # counts of each combination
    np.add.at(M, (c, t), 1)
    T, A, B, P = (np.sum(N * (N - 1) / 2)
                  for N in (M, M.sum(axis=1), M.sum(axis=0), M.sum()))
    most, chance = (A + B) / 2, A * B / P
    return 1.0 if most == chance else (T - chance) / (most - chance)


def log_normal(X, means, covariances):
    """Return ln N(x_i | μ_k, Σ_k), shape (n, K). Implements (2.6.12)."""
    K, d = means.shape
    if covariances.ndim == 3:
        Q = np.empty((len(X), K))
        for k in range(K):
            L = np.linalg.cholesky(covariances[k])  # (d, d)
            z = solve_triangular(L, (X - means[k]).T, lower=True)  # (d, n)
            Q[:, k] = squared_norms(z.T) + 2 * np.log(np.diag(L)).sum()
    else:
        V = np.ones(d) * covariances.reshape(K, -1)  # (K, d)
        shift = means.mean(axis=0)  # keeps the numbers small, see (2.6.6)
        Z, M = X - shift, means - shift  # (n, d), (K, d)
        Q = Z**2 @ (1 / V).T - 2 * Z @ (M / V).T  # (n, K)
        Q += (M**2 / V + np.log(V)).sum(axis=1)
    return -0.5 * (Q + d * np.log(2 * np.pi))  # (2.6.12)


def moments(X, R, kind, reg):
    """Return weights (K,), means (K, d) and covariances: the M-step."""
    N = R.sum(axis=0) + 1e-15  # (K,); nobody is divided by zero
    means = R.T @ X / N[:, None]  # (2.6.16), (K, d)
    if kind == "full":
        Z = (np.sqrt(r)[:, None] * (X - m) for r, m in zip(R.T, means))
        S = np.array([z.T @ z for z in Z]) / N[:, None, None]  # (2.6.17)
        return N / N.sum(), means, S + reg * np.eye(X.shape[1])
    shift = means.mean(axis=0)
    V = R.T @ (X - shift) ** 2 / N[:, None] - (means - shift) ** 2 + reg
    return N / N.sum(), means, V if kind == "diag" else V.mean(1)  # (2.6.19)


class Mixture(DensityMixin, Clusterer):
    """What a mixture with known parameters says. Implements (2.6.14).

    A subclass sets `weights_` (K,), `means_` (K, d) and `covariances_`.
    """

    def _responsibilities(self, X):
        joint = log_normal(X, self.means_, self.covariances_)  # (n, K)
        joint = joint + np.log(self.weights_)
        total = logsumexp(joint, axis=1)  # ln p(x_i), (2.6.11), (n,)
        return np.exp(joint - total[:, None]), total  # (2.6.14)

    def score_samples(self, X):
        """Return the log-density of each row of X, shape (n,)."""
        return self._responsibilities(self.checked(X))[1]

    def score(self, X, y=None):
        """Return the mean log-density of a sample: (2.6.13) over n."""
        return self.score_samples(X).mean()

    def predict_proba(self, X):
        """Return the responsibilities, shape (n, K)."""
        return self._responsibilities(self.checked(X))[0]

    def predict(self, X):
        """Return the most responsible component of each row, shape (n,)."""
        return self.predict_proba(X).argmax(axis=1)

    def bic(self, X):
        """Return Schwarz's criterion on X, smaller is better."""
        K, d = self.means_.shape
        full = self.covariances_.ndim == 3
        p = K * d * (d + 1) // 2 if full else self.covariances_.size
        p += K * d + K - 1  # the means, and the weights
        return p * np.log(len(X)) - 2 * len(X) * self.score(X)  # (2.6.21)


class GaussianMixture(Mixture):
    """A weighted sum of normal distributions, learned by EM.

    Parameters
    ----------
    n_components : int
    covariance : {"full", "diag", "spherical"}
    start : "k-means" or tuple (weights, means, covariances)
    reg : float
        Added to each variance.
    tol : float, n_iter : int
        It stops when the mean log-likelihood of a sample changes by less.
    random_state : int or Generator, optional

    Attributes
    ----------
    labels_ : ndarray (n,), path_ : list of float
        Labels, and the mean log-likelihood of a sample before each M-step.
    """

    def __init__(self, n_components=2, covariance="full", start="k-means",
                 reg=1e-6, tol=1e-3, n_iter=100, random_state=None):
        self.n_components, self.covariance = n_components, covariance
        self.start, self.reg, self.tol = start, reg, tol
        self.n_iter, self.random_state = n_iter, random_state

    def fit(self, X, y=None):
        """Learn the parameters from X (n, d); return the estimator."""
        X, self.path_, gain = self.checked(X, y), [], np.inf
        self._set(*self._first(X))
        while len(self.path_) < self.n_iter and abs(gain) >= self.tol:
            R, total = self._responsibilities(X)  # E-step, (n, K), (n,)
            gain = total.mean() - self.path_[-1] if self.path_ else np.inf
            self.path_.append(total.mean())
            self._set(*moments(X, R, self.covariance, self.reg))  # M-step
        self.labels_ = self.predict(X)
        return self

    def _first(self, X):
        if not isinstance(self.start, str):
            return self.start
        K = self.n_components
        c = KMeans(K, random_state=self.random_state).fit(X).labels_  # (n,)
        R = 1.0 * (c[:, None] == np.arange(K))  # (n, K)
        return moments(X, R, self.covariance, self.reg)

    def _set(self, *parameters):
        self.weights_, self.means_, self.covariances_ = (
            np.asarray(p, dtype=np.float64) for p in parameters)


COEFFICIENTS = {  # α_A, α_B, β, γ of (2.6.23) for sizes a, b and c (n,)
    "single": lambda a, b, c: (0.5, 0.5, 0.0, -0.5),
    "complete": lambda a, b, c: (0.5, 0.5, 0.0, 0.5),
    "average": lambda a, b, c: (a / (a + b), b / (a + b), 0.0, 0.0),
    "ward": lambda a, b, c: (
        (a + c) / (a + b + c), (b + c) / (a + b + c), -c / (a + b + c), 0.0),
}


def merge(D, linkage):
    """Merge the nearest clusters of D (n, n) until one is left.

    Returns a row (first, second, D, size) for each of the n − 1 mergers; the
    t-th makes cluster n + t. Implements (2.6.23). D is written over.
    """
    n = len(D)
    size, name = np.ones(n), np.arange(n)
    D[name, name] = np.inf
    near = D.argmin(axis=1)  # the nearest neighbor of each, (n,)
    gap, merges = D[name, near], np.empty((n - 1, 4))  # (n,), (n−1, 4)
    for t in range(n - 1):
        A = gap.argmin()
        B, height = near[A], gap[A]
        alive = gap < np.inf  # (n,)
        alive[[A, B]] = False
        u, v = np.where(alive, D[[A, B]], 0.0)  # (n,), (n,)
        a, b, beta, gamma = COEFFICIENTS[linkage](size[A], size[B], size)
        row = a * u + b * v + beta * height + gamma * abs(u - v)  # (2.6.23)
        row = np.where(alive, row, np.inf)
        D[A] = D[:, A] = row
        D[B] = D[:, B] = gap[B] = np.inf
        size[A] += size[B]
        merges[t] = *sorted((name[A], name[B])), height, size[A]
        name[A], near[near == B] = n + t, A
        lost = alive & (near == A) & (row > gap)  # whose neighbor moved away
        for k in [A, *np.flatnonzero(lost)]:
            near[k] = D[k].argmin()
            gap[k] = D[k, near[k]]
    return merges


class Agglomerative(Clusterer):
    """Clusters by merging the nearest. Implements (2.6.23).

    Parameters
    ----------
    n_clusters : int
    linkage : {"single", "complete", "average", "ward"}

    Attributes
    ----------
    labels_ : ndarray (n,)
    merges_ : ndarray (n−1, 4)
        As SciPy's `linkage` returns them.
    """

    def __init__(self, n_clusters=2, linkage="ward"):
        self.n_clusters, self.linkage = n_clusters, linkage

    def fit(self, X, y=None):
        """Merge the rows of X (n, d); return the estimator."""
        X = self.checked(X, y)
        power = 2 if self.linkage == "ward" else 1
        self.merges_ = merge(squareform(pdist(X) ** power), self.linkage)
        self.merges_[:, 2] **= 1 / power
        n = len(X)
        top = np.arange(2 * n - 1)  # the largest cluster of each
        for t in reversed(range(n - min(self.n_clusters, n))):
            top[self.merges_[t, :2].astype(int)] = top[n + t]
        self.labels_ = np.unique(top[:n], return_inverse=True)[1]
        return self


def neighborhoods(X, eps, block=128):
    """Return `near` and `begin` (n+1,): who lies within eps of each row."""
    X = X - X.mean(axis=0)
    square, counts, near = squared_norms(X), [[0]], []
    for i in range(0, len(X), block):
        D = X[i : i + block] @ (-2 * X.T) + square  # (2.6.6), (block, n)
        inside = D <= eps**2 - square[i : i + block, None]
        counts.append(inside.sum(axis=1))
        near.append(inside.nonzero()[1])
    return np.concatenate(near), np.concatenate(counts).cumsum()


class DBSCAN(Clusterer):
    """Clusters as crowded places. Implements (2.6.24) and (2.6.25).

    Parameters
    ----------
    eps : float
        Radius, in the units of X.
    min_samples : int
        Least number of samples within it, the center included.

    Attributes
    ----------
    labels_ : ndarray (n,), −1 for noise; core_ : ndarray (n,) of bool
    """

    def __init__(self, eps=0.5, min_samples=5):
        self.eps, self.min_samples = eps, min_samples

    def fit(self, X, y=None):
        """Find the crowded places of X (n, d); return the estimator."""
        X = self.checked(X, y)
        near, begin = neighborhoods(X, self.eps)
        self.core_ = np.diff(begin) >= self.min_samples  # (2.6.24)
        self.labels_, K = np.full(len(X), -1), 0
        for i in np.flatnonzero(self.core_):
            if self.labels_[i] == -1:
                self._grow(i, K, near, begin)
                K += 1
        return self

    def _grow(self, i, K, near, begin):
        front = np.array([i])
        while len(front):
            self.labels_[front] = K  # (2.6.25)
            core = front[self.core_[front]]
            reached = [near[begin[j] : begin[j + 1]] for j in core]
            reached = np.unique(np.concatenate([*reached, front]))
            front = reached[self.labels_[reached] == -1]
