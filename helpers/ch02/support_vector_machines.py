# Generated from ch02/02_support_vector_machines.ipynb by `make export`: do not edit.
"""What ch02/02_support_vector_machines.ipynb exports for other notebooks."""

__all__ = ['Pegasos', 'smo', 'duality_gap', 'gram', 'KernelRows', 'KernelMachine', 'SVM']


import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from helpers.estimators import BinaryClassifier


class Pegasos(BinaryClassifier):
    """A linear support vector machine in the primal. Implements (2.2.7).

    The bias is penalized like a weight, so the objective is (2.2.6).

    Parameters
    ----------
    lam : float
        Weight of the penalty, positive; 1/(nC) in terms of C.
    n_iter : int
        Passes over the data: n_iter·n/batch_size steps.
    batch_size : int
        Samples a step.
    random_state : int or None
        Seed of the draws.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Mean weights and bias over the second half of the steps.
    """

    labels = (-1, 1)

    def __init__(self, lam=1e-2, n_iter=50, batch_size=1, random_state=0):
        self.lam = lam
        self.n_iter = n_iter
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        Z = y[:, None] * np.column_stack([X, np.ones(len(X))])  # (n, d+1)
        k, rng = self.batch_size, np.random.default_rng(self.random_state)
        T = max(2, self.n_iter * len(y) // k)
        v, total = np.zeros(Z.shape[1]), np.zeros(Z.shape[1])
        for t, chosen in enumerate(rng.integers(len(y), size=(T, k)), 1):
            total += v if t > T // 2 else 0.0
            z = Z[chosen]  # (k, d+1)
            v = (1 - 1 / t) * v + (z @ v < 1) @ z / (self.lam * t * k)
        mean = total / (T - T // 2)  # of v_t, t > T/2, (2.2.7)
        self.w_, self.b_ = mean[:-1], mean[-1]
        return self

    def decision_function(self, X):
        """Return the net input of each row of X, shape (n,)."""
        return self.checked(X) @ self.w_ + self.b_


def smo(rows, diagonal, y, C, tol, select="gain", max_iter=100_000):
    """Maximize (2.2.15) over beta. Implements (2.2.16) to (2.2.20).

    `rows[i]` returns row i of K (n,), `diagonal` holds K_ii (n,), `y` the
    labels -1 and +1 (n,). It stops when m - M ≤ tol. Returns beta (n,), the
    residual r (n,), the bias b and the number of steps.
    """
    if select not in ("gain", "violation"):
        raise ValueError(f"select {select!r} is not 'gain' or 'violation'")
    low, high = np.minimum(0, C * y), np.maximum(0, C * y)  # (n,)
    beta, r = np.zeros(len(y)), np.array(y, dtype=float)  # (2.2.16)
    for n_iter in range(max_iter + 1):
        r_up = np.where(beta < high, r, -np.inf)  # (n,)
        r_down = np.where(beta > low, r, np.inf)  # (n,)
        i, j = r_up.argmax(), r_down.argmin()  # (2.2.17)
        m, M = r_up[i], r_down[j]
        if m - M <= tol or n_iter == max_iter:
            break
        row_i = rows[i]  # (n,)
        if select == "gain":
            a = diagonal[i] + diagonal - 2 * row_i  # (n,)
            rise = np.maximum(m - r_down, 0)  # (n,)
            j = (rise**2 / np.maximum(a, 1e-12)).argmax()  # (2.2.20)
        row_j = rows[j]  # (n,)
        a = max(diagonal[i] + diagonal[j] - 2 * row_i[j], 1e-12)  # (2.2.18)
        room = min(high[i] - beta[i], beta[j] - low[j])
        t = min((r[i] - r[j]) / a, room)  # (2.2.19)
        beta[i] += t
        beta[j] -= t
        r -= t * (row_i - row_j)  # (2.2.19)
    return beta, r, (m + M) / 2, n_iter


def duality_gap(beta, r, b, y, C):
    """Return P - D, a number that is never negative. Implements (2.2.21)."""
    low, high = np.minimum(0, C * y), np.maximum(0, C * y)  # (n,)
    up, down = np.maximum(0, r - b), np.maximum(0, b - r)  # (n,)
    return (high - beta) @ up + (beta - low) @ down  # (2.2.21)


def gram(A, B, kernel="rbf", gamma=1.0, degree=3, coef0=0.0):
    """Return the kernel of each row of A (m, d) with each of B (n, d).

    The result has shape (m, n). Implements (2.2.25).
    """
    K = A @ B.T  # (m, n)
    if kernel == "linear":
        return K  # (2.2.25)
    if kernel == "poly":
        return (gamma * K + coef0) ** degree  # (2.2.25)
    if kernel == "rbf":
        a, b = np.einsum("id,id->i", A, A), np.einsum("jd,jd->j", B, B)
        squares = a[:, None] + b - 2 * K  # (m, n); rounding may go below 0
        return np.exp(-gamma * np.maximum(squares, 0))  # (2.2.25)
    raise ValueError(f"kernel {kernel!r} is none of linear, poly, rbf")


class KernelRows:
    """Rows of a kernel matrix, computed on demand and kept while they fit.

    `function` maps (m, d) and (n, d) to (m, n); `megabytes` is the room.
    """

    def __init__(self, X, function, megabytes=200):
        self.X, self.function = X, function
        self.limit = max(2, int(megabytes * 2**20 / (8 * len(X))))
        self.kept, self.computed = {}, 0

    def __getitem__(self, i):
        row = self.kept.pop(i, None)
        if row is None:
            row = self.function(self.X[i : i + 1], self.X)[0]  # (n,)
            self.computed += 1
        if len(self.kept) >= self.limit:
            del self.kept[next(iter(self.kept))]  # idle for longest
        self.kept[i] = row  # now the most recent
        return row

    def diagonal(self):
        """Return all K_ii, shape (n,), from blocks of 64 rows."""
        blocks = np.split(self.X, range(64, len(self.X), 64))
        return np.concatenate([self.function(x, x).diagonal() for x in blocks])


class KernelMachine(BinaryClassifier):
    """What remains of an SVM after training. Implements (2.2.23)."""

    labels = (-1, 1)

    def _kernel(self, A, B):
        return gram(A, B, self.kernel, self.gamma_, self.degree, self.coef0)

    def decision_function(self, X):
        """Return the net input of each row of X, shape (n,)."""
        X = self.checked(X)
        z = [self._kernel(X[k : k + 1000], self.support_vectors_) @ self.beta_
             for k in range(0, len(X), 1000)]  # (1000,) each
        return np.concatenate(z) + self.b_  # (2.2.23)


class SVM(KernelMachine):
    """A kernel support vector machine, by SMO. Solves (2.2.15).

    Parameters
    ----------
    C : float
        Price of a margin violation, positive. The bias is free.
    kernel : {"linear", "poly", "rbf"}
    gamma : float or "scale"; degree : int; coef0 : float
        Parameters of (2.2.25).
    tol : float
        Stop when m - M of (2.2.17) is at most this.
    select : {"gain", "violation"}
        How the pair is chosen: (2.2.20) or (2.2.17).
    cache : float
        Megabytes for rows of the kernel matrix.
    max_iter : int
        Largest number of steps; a warning says when it was reached.

    Attributes
    ----------
    support_ (s,), support_vectors_ (s, d), beta_ (s,), b_, n_iter_
    dual_, gap_ : D of (2.2.15), and P - D of (2.2.21)
    """

    def __init__(self, C=1.0, kernel="rbf", gamma="scale", degree=3,
                 coef0=0.0, tol=1e-3, select="gain", cache=200,
                 max_iter=1_000_000):
        self.C, self.kernel, self.gamma = C, kernel, gamma
        self.degree, self.coef0, self.tol = degree, coef0, tol
        self.select, self.cache, self.max_iter = select, cache, max_iter

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        scale = 1 / (X.shape[1] * (X.var() or 1.0))
        self.gamma_ = scale if self.gamma == "scale" else self.gamma
        rows = KernelRows(X, self._kernel, self.cache)
        settings = self.C, self.tol, self.select, self.max_iter
        beta, r, b, steps = smo(rows, rows.diagonal(), y, *settings)
        if steps == self.max_iter:
            warnings.warn("max_iter reached", ConvergenceWarning, stacklevel=2)
        self.dual_ = y @ beta - beta @ (y - r) / 2  # (2.2.15)
        self.gap_ = duality_gap(beta, r, b, y, self.C)  # (2.2.21)
        self.b_, self.n_iter_, self.support_ = b, steps, np.flatnonzero(beta)
        self.support_vectors_ = X[self.support_]  # (s, d)
        self.beta_ = beta[self.support_]  # (s,)
        return self
