# Generated from ch02/05_dimensionality_reduction.ipynb by `make export`: do not edit.
"""What ch02/05_dimensionality_reduction.ipynb exports for other notebooks."""

__all__ = ['by_svd', 'by_covariance', 'peak_positive', 'PCA', 'squared_distances', 'leading', 'KernelPCA', 'LDA',
           'whitening_within', 'neighbor_probabilities', 'at_perplexity', 'joint_probabilities', 'student_weights',
           'kl_divergence', 'kl_gradient', 'descend', 'TSNE', 'trustworthiness']


import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh
from sklearn.base import TransformerMixin

from helpers.estimators import Classifier, Transformer


def by_svd(X_c):
    """Return s² (m,) and the rows Vᵀ (m, d) of centered samples (n, d)."""
    R = np.linalg.qr(X_c, mode="r")  # (m, d), m = min(n, d)
    _, s, Vt = np.linalg.svd(R, full_matrices=False)
    return s**2, Vt  # (2.5.9)


def by_covariance(X_c):
    """Return the same by way of the covariance; needs n ≥ d."""
    lam, V = eigh(X_c.T @ X_c)  # (2.5.4), times n − 1
    return np.maximum(lam[::-1], 0), V[:, ::-1].T


def peak_positive(Vt):
    """Flip the rows of Vᵀ (k, d) whose entry of largest size is negative."""
    peak = np.abs(Vt).argmax(axis=1)  # (k,)
    return Vt * np.sign(Vt[np.arange(len(Vt)), peak])[:, None]


class PCA(Transformer):
    """Principal components. Implements (2.5.4), (2.5.6), (2.5.9), (2.5.10).

    Parameters
    ----------
    n_components : int, optional
        k; all min(n, d) by default.
    whiten : bool
        Whether the scores are scaled to variance 1.
    solver : {"auto", "svd", "covariance"}
        "auto" is the covariance where n ≥ 10 d, else the SVD.

    Attributes
    ----------
    mean_ (d,), components_ (k, d), explained_variance_ (k,),
    explained_variance_ratio_ (k,) : ndarray
        μ, Vᵀ, the eigenvalues of S and their share of its trace.
    """

    fewest_samples = 2

    def __init__(self, n_components=None, whiten=False, solver="auto"):
        self.n_components = n_components
        self.whiten = whiten
        self.solver = solver

    def fit(self, X, y=None):
        """Learn from X (n, d); return the estimator."""
        X = self.checked(X, y)
        n, d = X.shape
        k = min(n, d) if self.n_components is None else self.n_components
        if not 1 <= k <= min(n, d):
            raise ValueError(f"n_components={k} is not in 1 … {min(n, d)}")
        tall = self.solver == "auto" and n >= 10 * d
        cov = tall or self.solver == "covariance"
        self.mean_ = X.mean(axis=0)
        s2, Vt = (by_covariance if cov else by_svd)(X - self.mean_)
        self.components_ = peak_positive(Vt[:k])
        self.explained_variance_ = s2[:k] / (n - 1)  # (2.5.9)
        self.explained_variance_ratio_ = s2[:k] / s2.sum()  # (2.5.5)
        lam = np.maximum(s2[:k], 1e-12 * s2[0]) / (n - 1)
        self.scale_ = np.sqrt(lam) if self.whiten else np.ones(k)
        return self

    def transform(self, X):
        """Return the scores of X, shape (n, k)."""
        X_c = self.checked(X) - self.mean_
        return X_c @ self.components_.T / self.scale_  # (2.5.10)

    def inverse_transform(self, Z):
        """Rebuild samples (n, d) from scores (n, k)."""
        return self.mean_ + Z * self.scale_ @ self.components_  # (2.5.6)


def squared_distances(A, B):
    """Return ‖a_i − b_j‖² for rows of A (m, d) and B (n, d), shape (m, n)."""
    D = A @ (-2 * B.T)  # (m, n)
    D += np.sum(A**2, axis=1)[:, None]
    D += np.sum(B**2, axis=1)
    return np.maximum(D, 0, out=D)


def leading(K, k):
    """Return the k largest eigenvalues (k,) of K (n, n), vectors (n, k)."""
    n = len(K)
    if n > 200 and 10 * k < n:
        start = np.random.default_rng(0).uniform(-1, 1, n)
        lam, A = eigsh(K, k, which="LA", v0=start)
    else:
        lam, A = eigh(K, subset_by_index=[n - k, n - 1])
    order = np.argsort(lam)[::-1]
    return lam[order], A[:, order]


class KernelPCA(Transformer):
    """Kernel PCA, Gaussian kernel. Implements (2.5.11) to (2.5.13).

    Parameters
    ----------
    n_components : int
        k; fewer when the kernel matrix has fewer positive eigenvalues.
    gamma : float
        The kernel is exp(−gamma ‖x − x'‖²).

    Attributes
    ----------
    X_ : ndarray (n, d), eigenvalues_ : ndarray (k,)
        The training samples, and λ without a divisor.
    """

    fewest_samples = 2

    def __init__(self, n_components=2, gamma=1.0):
        self.n_components = n_components
        self.gamma = gamma

    def fit(self, X, y=None):
        """Learn from X (n, d); return the estimator."""
        self.X_ = self.checked(X, y)
        K = self._kernel(self.X_)  # (n, n)
        self.column_mean_ = K.mean(axis=0)  # (n,)
        k = min(self.n_components, len(K))
        lam, A = leading(self._centered(K), k)  # (2.5.11)
        positive = lam > 1e-12 * lam[0]
        self.eigenvalues_ = lam[positive]
        A = peak_positive(A[:, positive].T).T  # (n, k)
        self.dual_ = A / np.sqrt(self.eigenvalues_)  # (n, k)
        return self

    def transform(self, X):
        """Return the scores of X, shape (n, k)."""
        K = self._kernel(self.checked(X))  # (m, n)
        return self._centered(K) @ self.dual_  # (2.5.13)

    def _kernel(self, X):
        K = squared_distances(X, self.X_)
        K *= -self.gamma
        return np.exp(K, out=K)

    def _centered(self, K):
        K -= K.mean(axis=1, keepdims=True)  # (2.5.12), in place
        K += self.column_mean_.mean() - self.column_mean_
        return K


class LDA(TransformerMixin, Classifier):
    """Linear discriminant analysis. Implements (2.5.16) to (2.5.18).

    Parameters
    ----------
    n_components : int, optional
        Directions that ``transform`` returns; all min(C − 1, d) by default.
    tol : float
        Directions whose spread within the classes is smaller are left out,
        in units of the features' spread.

    Attributes
    ----------
    scalings_ : ndarray (d, m)
        W, all directions, the best one first.
    eigenvalues_ : ndarray (m,)
        F of each: spread between over spread within.
    """

    def __init__(self, n_components=None, tol=1e-4):
        self.n_components = n_components
        self.tol = tol

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)
        n, n_c = len(y), np.bincount(y)  # (C,)
        means = np.stack([X[y == c].mean(axis=0) for c in range(len(n_c))])
        self.mean_, self.priors_ = X.mean(axis=0), n_c / n
        T = whitening_within(X - means[y], self.tol)  # (d, r)
        M = np.sqrt(self.priors_)[:, None] * (means - self.mean_)  # S_B = MᵀM
        _, s, Vt = np.linalg.svd(M @ T, full_matrices=False)  # (2.5.17)
        m = min(len(n_c) - 1, len(s))
        self.eigenvalues_ = s[:m] ** 2
        self.scalings_ = T @ peak_positive(Vt[:m]).T  # (d, m)
        self.centers_ = (means - self.mean_) @ self.scalings_  # (C, m)
        return self

    def transform(self, X):
        """Return the discriminant scores, shape (n, n_components)."""
        W = self.scalings_[:, : self.n_components]
        return (self.checked(X) - self.mean_) @ W

    def predict_proba(self, X):
        """Return the class probabilities, shape (n, C)."""
        Z = (self.checked(X) - self.mean_) @ self.scalings_  # (n, m)
        logit = np.log(self.priors_) - squared_distances(Z, self.centers_) / 2
        P = np.exp(logit - logit.max(axis=1, keepdims=True))  # shifted
        return P / P.sum(axis=1, keepdims=True)  # (2.5.18)


def whitening_within(within, tol):
    """Return T (d, r) with Tᵀ S_W T = I, from x_i − m_c (n, d)."""
    spread = within.std(axis=0)  # (d,)
    spread[spread == 0] = 1.0
    s2, Vt = by_svd(within / spread / np.sqrt(len(within)))
    s = np.sqrt(s2[s2 > tol**2])  # (r,)
    return (Vt[: len(s)] / spread).T / s


def neighbor_probabilities(D, beta):
    """Return p_{j|i} (n, n) and its entropy (n,); D (n, n) holds squares."""
    D = D.copy()
    np.fill_diagonal(D, np.inf)  # nobody picks himself
    D -= D.min(axis=1, keepdims=True)  # cancels; no row underflows
    P = np.exp(-beta[:, None] * D)
    P /= P.sum(axis=1, keepdims=True)  # (2.5.19)
    logs = np.log(P, out=np.zeros_like(P), where=P > 0)  # 0 ln 0 is 0
    return P, -np.sum(P * logs, axis=1)


def at_perplexity(D, perplexity, steps=64):
    """Find every width by bisection; return p_{j|i} (n, n)."""
    n = len(D)
    beta = np.full(n, 1 / (D.mean() or 1.0))
    low, high = np.zeros(n), np.full(n, np.inf)
    for _ in range(steps):
        P, entropy = neighbor_probabilities(D, beta)
        flat = entropy > np.log(perplexity)  # (n,), (2.5.20)
        low, high = np.where(flat, beta, low), np.where(flat, high, beta)
        beta = np.where(np.isinf(high), 2 * beta, (low + high) / 2)
    return P


def joint_probabilities(D, perplexity):
    """Return p_ij (n, n) from squared distances D (n, n)."""
    P = at_perplexity(D, perplexity)
    return (P + P.T) / (2 * len(P))  # (2.5.21)


def student_weights(Y):
    """Return w_ij (n, n) of a map Y (n, 2), with zeros on the diagonal."""
    W = squared_distances(Y, Y)
    W += 1
    np.reciprocal(W, out=W)  # (2.5.22)
    np.fill_diagonal(W, 0)
    return W


def kl_divergence(P, Y):
    """Return the Kullback–Leibler divergence of a map, a number."""
    W = student_weights(Y)
    there = P > 0  # 0 ln 0 is 0
    p, q = P[there], W[there] / W.sum()  # (2.5.22)
    return np.sum(p * np.log(p / q))  # (2.5.23)


def kl_gradient(P, Y):
    """Return the gradient (n, 2) of the divergence at the map Y (n, 2)."""
    W = student_weights(Y)
    M = W / -W.sum()  # −Q
    M += P
    M *= W  # (n, n)
    return 4 * (M.sum(axis=1)[:, None] * Y - M @ Y)  # (2.5.26)


def descend(P, Y, n_iter=1000, n_early=250, exaggeration=12.0):
    """Walk from the map Y (n, 2) down the divergence; return the new map."""
    eta = max(len(Y) / exaggeration / 4, 50.0)
    step, gain = np.zeros_like(Y), np.ones_like(Y)
    for t in range(n_iter):
        early = t < n_early
        G = kl_gradient(P * exaggeration if early else P, Y)  # (n, 2)
        gain = np.where(G * step < 0, gain + 0.2, gain * 0.8)
        gain = np.maximum(gain, 0.01)  # not in (2.5.27): never stop
        step = (0.5 if early else 0.8) * step - eta * gain * G
        Y = Y + step  # (2.5.27)
    return Y


class TSNE(Transformer):
    """A map of neighbors, O(n²) a step. Implements (2.5.19) to (2.5.27).

    Parameters
    ----------
    n_components : int
        Dimensions of the map.
    perplexity : float
        Effective number of neighbors, from 1 to less than n − 1.
    n_iter, n_early : int
        Steps in all, and those with exaggeration.
    exaggeration : float
        What p_ij is multiplied by early on.

    Attributes
    ----------
    embedding_ : ndarray (n, n_components), kl_divergence_ : float
        The map, and its divergence (2.5.23).
    """

    fewest_samples = 2

    def __init__(self, n_components=2, perplexity=30.0, n_iter=1000,
                 n_early=250, exaggeration=12.0):
        self.n_components = n_components
        self.perplexity = perplexity
        self.n_iter = n_iter
        self.n_early = n_early
        self.exaggeration = exaggeration

    def fit(self, X, y=None):
        """Make the map of X (n, d); return the estimator."""
        X = self.checked(X, y)
        if not 1 <= self.perplexity < len(X) - 1:
            raise ValueError(f"perplexity {self.perplexity} does not fit "
                             f"{len(X)} samples: at least 1, below n − 1")
        P = joint_probabilities(squared_distances(X, X), self.perplexity)
        Y = PCA(self.n_components).fit_transform(X)
        Y = descend(P, Y * (1e-4 / Y[:, 0].std()), self.n_iter, self.n_early,
                    self.exaggeration)
        self.embedding_, self.kl_divergence_ = Y, kl_divergence(P, Y)
        return self

    def fit_transform(self, X, y=None):
        """Make the map of X (n, d); return it."""
        return self.fit(X).embedding_


def trustworthiness(X, Y, k=10):
    """Return how far neighbors in Y (n, 2) were neighbors in X (n, d)."""
    n = len(X)
    order = [np.argsort(squared_distances(A, A) - np.diag(np.full(n, np.inf)))
             for A in (X, Y)]  # two (n, n); each sample is its own first
    rank = np.empty((n, n), dtype=int)
    np.put_along_axis(rank, order[0], np.arange(n)[None, :], axis=1)  # r(i, j)
    found = np.take_along_axis(rank, order[1][:, 1 : k + 1], axis=1)  # (n, k)
    cost = np.maximum(found - k, 0).sum()
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))  # (2.5.28)
