# Generated from ch01/03_linear_regression.ipynb by `make export`: do not edit.
"""What ch01/03_linear_regression.ipynb exports for other notebooks."""

__all__ = ['gram', 'triangle', 'least_squares', 'LinearModel', 'LinearRegression', 'Ridge', 'soft', 'sweep', 'duality_gap',
           'on_support', 'descend', 'lasso_path', 'Lasso', 'huber_weights', 'Huber']


import warnings

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from sklearn.exceptions import ConvergenceWarning

from helpers.estimators import Regressor


def gram(X, y):
    """Return the products of the centered data. Implements (1.3.5).

    Parameters
    ----------
    X : ndarray (n, d), y : ndarray (n,)

    Returns
    -------
    G : ndarray (d, d), q : ndarray (d,)
    yy : float
        Squared length of the centered targets.
    x_mean : ndarray (d,), y_mean : float
    """
    n = len(X)
    x_mean, y_mean = np.ones(n) @ X / n, y.mean()
    y_c = y - y_mean  # (n,)
    G = X.T @ X - n * np.outer(x_mean, x_mean)  # (1.3.5), multiplied out
    if np.any(n * x_mean**2 > 100 * G.diagonal()):  # two digits cancel
        X = X - x_mean  # (n, d)
        G = X.T @ X  # (1.3.5)
    return G, y_c @ X, y_c @ y_c, x_mean, y_mean  # q: (1.3.5)


def triangle(A, t):
    """Return R (k, d) and z = Qᵀt (k,) of A = QR, k = min(n, d+1)."""
    T = np.linalg.qr(np.column_stack([A, t]), mode="r")  # (k, d+1)
    return T[:, :-1], T[:, -1]  # (1.3.10)


def least_squares(A, t):
    """Return the shortest w (d,) that minimizes ‖t − Aw‖, by (1.3.11)."""
    R, z = triangle(A, t)
    U, s, Vt = np.linalg.svd(R, full_matrices=False)
    rounding = s.max() * max(A.shape) * np.finfo(float).eps
    keep = s > rounding  # in place of s > 0
    return ((U.T @ z)[keep] / s[keep]) @ Vt[keep]  # (1.3.11)


class LinearModel(Regressor):
    """Base of all models here: predicts X w + b."""

    def predict(self, X):
        """Return the prediction for each row of X, shape (n,)."""
        return self.checked(X) @ self.w_ + self.b_


class LinearRegression(LinearModel):
    """Least squares. Implements (1.3.4) and (1.3.5), (1.3.10) or (1.3.11).

    Parameters
    ----------
    solver : {"svd", "qr", "normal"}
        "svd" always has an answer; the others need n > d and columns that are
        independent, also of a constant.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Weights and bias.
    """

    def __init__(self, solver="svd"):
        self.solver = solver

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)
        if self.solver not in ("svd", "qr", "normal"):
            raise ValueError(f"unknown solver {self.solver!r}")
        if self.solver != "svd" and len(X) <= X.shape[1]:
            raise ValueError("fewer than d + 1 samples: use solver='svd'")
        if self.solver == "normal":
            G, q, _, x_mean, y_mean = gram(X, y)
            self.w_ = cho_solve(cho_factor(G), q)  # (1.3.5)
        else:
            x_mean, y_mean = X.mean(axis=0), y.mean()
            A, t = X - x_mean, y - y_mean
            if self.solver == "svd":
                self.w_ = least_squares(A, t)  # (1.3.11)
            else:
                R, z = triangle(A, t)
                self.w_ = solve_triangular(R[:-1], z[:-1])  # (1.3.10)
        self.b_ = y_mean - x_mean @ self.w_  # (1.3.4)
        return self


class Ridge(LinearModel):
    """Least squares with a price on long weights. Implements (1.3.13).

    Parameters
    ----------
    lam : float
        Strength of the penalty, positive; beside it stands a sum of squares.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Weights and bias; the bias is not penalized.
    """

    def __init__(self, lam=1.0):
        self.lam = lam

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)
        if not self.lam > 0:
            raise ValueError(f"lam must be positive, got {self.lam}")
        G, q, _, x_mean, y_mean = gram(X, y)
        A = G + self.lam * np.eye(len(G))  # (d, d)
        self.w_ = cho_solve(cho_factor(A), q)  # (1.3.13)
        self.b_ = y_mean - x_mean @ self.w_  # (1.3.4)
        return self


def soft(rho, theta):
    """Move a number toward zero by theta, not past it. Implements (1.3.17)."""
    return max(rho - theta, 0.0) - max(-rho - theta, 0.0)


def sweep(G, c, w, theta):
    """Update each weight once, and c = q − Gw with it, in place."""
    for j in range(len(w)):
        a, old = G[j].item(j), w.item(j)
        if a > 0:  # else the column is constant, and w[j] stays 0
            w[j] = new = soft(c.item(j) + a * old, theta) / a  # (1.3.17)
            if new != old:
                c -= (new - old) * G[j]  # (1.3.18)


def duality_gap(c, q, w, yy, n, lam):
    """Return how far P(w) can be above its minimum. Implements (1.3.21)."""
    pull = np.abs(c).max()
    shrink = 1.0 if pull <= n * lam else n * lam / pull
    rr = yy - w @ (q + c)  # ‖r‖²
    primal = 0.5 * rr + n * lam * np.abs(w).sum()  # (1.3.16), times n
    dual = shrink * (yy - w @ q) - 0.5 * shrink**2 * rr  # (1.3.20)
    return (primal - dual) / n  # (1.3.21)


def on_support(G, q, w, theta):
    """Walk to the limit for the present signs, dropping weights at zero."""
    w, arrived = w.copy(), False
    touch = 1e-12 * G.diagonal().max()
    while not arrived:
        A = np.flatnonzero(w)
        G_A, w_A = G[np.ix_(A, A)], w[A]
        missing = q[A] - theta * np.sign(w_A) - G_A @ w_A
        G_A = G_A + touch * np.eye(len(A))
        walk = np.linalg.solve(G_A, missing)  # (1.3.22)
        crosses = (w_A + walk) * w_A <= 0
        share = np.ones(len(A))
        share[crosses] = -w_A[crosses] / walk[crosses]  # there it is zero
        w[A] += share.min(initial=1) * walk
        w[A[crosses & (share == share.min(initial=1))]] = 0.0
        arrived = not crosses.any()
    return w


def descend(G, q, yy, n, lam, w, tol, n_iter):
    """Sweep and jump from w (d,) until the gap is small.

    Returns the weights (d,), the gap, and the number of sweeps. The gap is
    small at tol times P(0), the half mean square of the centered targets.
    """
    for k in range(n_iter):
        w = on_support(G, q, w, n * lam) if k else w.copy()
        c = q - G @ w  # (d,)
        sweep(G, c, w, n * lam)
        gap = duality_gap(c, q, w, yy, n, lam)
        if gap <= tol * yy / (2 * n):
            return w, gap, k + 1
    message = f"gap {gap:.1e} after {n_iter} sweeps: raise n_iter or tol"
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return w, gap, n_iter


def lasso_path(X, y, lams, tol=1e-8, n_iter=1000):
    """Return the lasso's weights for many λ, each started from the one before.

    Parameters
    ----------
    X : ndarray (n, d), y : ndarray (n,)
        Finite; they need not be centered.
    lams : array_like (m,)
        Positive, best in falling order.
    tol : float
        Largest duality gap, as a share of the loss of zero weights.
    n_iter : int
        Largest number of sweeps for each λ.

    Returns
    -------
    W : ndarray (m, d)
        Weights; the bias of row k is ``y.mean() - X.mean(axis=0) @ W[k]``.
    gaps : ndarray (m,)
        Duality gaps (1.3.21).
    """
    G, q, yy, _, _ = gram(np.asarray(X, float), np.asarray(y, float))
    W, gaps, w = [], [], np.zeros(len(q))
    for lam in lams:
        w, gap, _ = descend(G, q, yy, len(y), lam, w, tol, n_iter)
        W.append(w)
        gaps.append(gap)
    return np.array(W), np.array(gaps)


class Lasso(LinearModel):
    """Least squares with a price on absolute weights. Minimizes (1.3.16).

    Parameters
    ----------
    lam : float
        Strength of the penalty, positive; beside it stands a mean of squares.
    n_iter : int
        Largest number of sweeps.
    tol : float
        Largest duality gap, as a share of the loss of zero weights.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Weights and bias; the bias is not penalized.
    gap_ : float
        Duality gap (1.3.21): the loss is at most this far above its minimum.
    n_iter_ : int
        Sweeps made.
    """

    def __init__(self, lam=0.1, n_iter=1000, tol=1e-8):
        self.lam = lam
        self.n_iter = n_iter
        self.tol = tol

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)
        if not self.lam > 0:
            raise ValueError(f"lam must be positive, got {self.lam}")
        G, q, yy, x_mean, y_mean = gram(X, y)
        self.w_, self.gap_, self.n_iter_ = descend(
            G, q, yy, len(y), self.lam, np.zeros(len(q)), self.tol, self.n_iter
        )
        self.b_ = y_mean - x_mean @ self.w_  # (1.3.4)
        return self


def huber_weights(r, k):
    """Return the weight of each error (n,). Implements (1.3.26)."""
    return k / np.maximum(np.abs(r), k)  # (1.3.26)


class Huber(LinearModel):
    """Robust regression by reweighted least squares. Implements (1.3.27).

    Parameters
    ----------
    delta : float
        Corner of the loss (1.3.25), in units of the scale.
    scale : float, optional
        Size of the noise, in units of y; by default (1.3.28) in each step.
    n_iter : int
        Largest number of steps.
    tol : float
        It stops when no prediction moves by more than this share of the
        largest target.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Weights and bias.
    scale_ : float
        The size of the noise that was used last.
    """

    def __init__(self, delta=1.35, scale=None, n_iter=500, tol=1e-10):
        self.delta = delta
        self.scale = scale
        self.n_iter = n_iter
        self.tol = tol

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)
        tiny, far = np.finfo(float).tiny, self.tol * np.abs(y).max()
        A = np.column_stack([X, np.ones(len(X))])  # (n, d+1)
        v, step, self.n_iter_ = least_squares(A, y), np.inf, 0  # (d+1,)
        while step > far and self.n_iter_ < self.n_iter:
            r = y - A @ v  # (n,)
            mad = np.median(np.abs(r)) / 0.6745  # (1.3.28)
            self.scale_ = mad if self.scale is None else self.scale
            omega = huber_weights(r, max(self.delta * self.scale_, tiny))
            root = np.sqrt(omega)  # (n,), (1.3.27)
            v, old = least_squares(root[:, None] * A, root * y), v
            step = np.abs(A @ (v - old)).max()
            self.n_iter_ += 1
        self.w_, self.b_ = v[:-1], v[-1]
        return self
