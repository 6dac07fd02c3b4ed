# Generated from ch01/04_logistic_regression.ipynb by `make export`: do not edit.
"""What ch01/04_logistic_regression.ipynb exports for other notebooks."""

__all__ = ['sigmoid', 'halve', 'penalized', 'newton_step', 'descend', 'gradient_step', 'LogisticRegression', 'softmax',
           'softmax_loss', 'SoftmaxRegression']


import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from helpers.estimators import BinaryClassifier, Classifier


def sigmoid(z):
    """Turn log-odds into probabilities, without overflow. Implements (1.4.3).

    Parameters
    ----------
    z : ndarray
        Net inputs of any shape.

    Returns
    -------
    ndarray
        Probabilities, of the shape of `z`.
    """
    e = np.exp(-np.abs(z))  # at most 1
    return np.where(z >= 0, 1.0, e) / (1.0 + e)  # (1.4.3), both forms


def halve(value, v, u, slope, start):
    """Shorten the step `u` until `value` falls enough. Implements (1.4.16).

    Parameters
    ----------
    value : callable
        What is minimized, a function of `v`.
    v, u : ndarray (k,)
        The place, and the step to be subtracted from it.
    slope : float
        gᵀu, positive.
    start : float
        ``value(v)``.

    Returns
    -------
    v : ndarray (k,)
        The new place; the old one when 50 halvings do not help.
    reached : float
        The value there.
    """
    for t in 0.5 ** np.arange(50):
        reached = value(v - t * u)
        if reached <= start - 1e-4 * t * slope:  # (1.4.16)
            return v - t * u, reached
    return v, start


def penalized(v, X1, y, ridge):
    """Return J at v (d+1,), with the diagonal of λD. Implements (1.4.19)."""
    m = (2 * y - 1) * (X1 @ v)  # (n,)
    return np.logaddexp(0, -m).sum() + ridge @ v**2 / 2  # (1.4.19)


def newton_step(X1, p, g, ridge):
    """Solve for the step u (d+1,) of Newton's method. Implements (1.4.14)."""
    A = X1.T * np.sqrt(p * (1 - p))  # (d+1, n)
    H = A @ A.T + np.diag(ridge)  # (d+1, d+1), (1.4.20)
    lift = 0.0
    while True:
        try:
            factor = cho_factor(H + lift * np.eye(len(g)))
            return cho_solve(factor, g)  # (1.4.14)
        except LinAlgError:
            lift = max(10 * lift, 1e-10 * max(1.0, np.trace(H)))


def descend(X1, y, ridge, step, n_iter, tol):
    """Minimize J from zero by halved steps. Implements (1.4.16), (1.4.20).

    Parameters
    ----------
    X1 : ndarray (n, d+1), y : ndarray (n,)
        Samples with a column of ones, labels 0 and 1.
    ridge : ndarray (d+1,)
        λ for each weight, 0 for the bias.
    step : callable
        Maps (X1, p, g, ridge) to the step u (d+1,).
    n_iter : int, tol : float
        Most steps; a step that promises to lower J by `tol` or less
        is the last.

    Returns
    -------
    v : ndarray (d+1,)
        Weights and, last, the bias.
    losses : list of float
        J before every step, and at the end.
    """
    v = np.zeros(X1.shape[1])
    losses = [penalized(v, X1, y, ridge)]
    for _ in range(n_iter):
        p = sigmoid(X1 @ v)  # (n,)
        g = X1.T @ (p - y) + ridge * v  # (d+1,), (1.4.20)
        u = step(X1, p, g, ridge)  # (d+1,)
        if g @ u / 2 <= tol:  # too short to be judged by its gain
            v = v - u
            losses.append(penalized(v, X1, y, ridge))
            break
        v, J = halve(lambda v: penalized(v, X1, y, ridge), v, u, g @ u,
                     losses[-1])  # (1.4.16)
        losses.append(J)
    return v, losses


def gradient_step(X1, lam, eta=None):
    """Return the step of gradient descent, as `descend` takes it."""
    ceiling = np.linalg.eigvalsh(X1.T @ X1)[-1] / 4 + lam  # n β + λ, (1.4.13)
    rate = 1 / ceiling if eta is None else eta / len(X1)
    return lambda X1, p, g, ridge: rate * g  # (1.4.12)


class LogisticRegression(BinaryClassifier):
    """A linear unit that answers with a probability. Minimizes (1.4.19).

    Parameters
    ----------
    lam : float, not negative
        Penalty λ on the squared weights; 1/C in scikit-learn.
    solver : {"newton", "gd"}
        Newton's method (1.4.14) or gradient descent (1.4.12).
    eta : float, optional
        Learning rate of "gd" for J/n; by default the safe one of (1.4.13).
    n_iter : int, tol : float
        Most steps; one that promises to lower J by `tol` is the last.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float, losses_ : list of float
        Weights, bias; J before every step and at the end.
    """

    def __init__(self, lam=1.0, solver="newton", eta=None,
                 n_iter=100, tol=1e-8):
        self.lam = lam
        self.solver = solver
        self.eta = eta
        self.n_iter = n_iter
        self.tol = tol

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        if self.solver not in ("newton", "gd"):
            raise ValueError(f"solver {self.solver!r} is not 'newton' or 'gd'")
        X, y = self.checked(X, y)  # (n, d), (n,)
        X1 = np.vstack([X.T, np.ones(len(X))]).T  # (n, d+1), by columns
        ridge = np.append(np.full(X.shape[1], float(self.lam)), 0)  # (d+1,)
        gd = self.solver == "gd"
        step = gradient_step(X1, self.lam, self.eta) if gd else newton_step
        v, self.losses_ = descend(X1, y, ridge, step, self.n_iter, self.tol)
        self.w_, self.b_ = v[:-1], v[-1]
        return self

    def decision_function(self, X):
        """Return the log-odds of each row of X, shape (n,)."""
        return self.checked(X) @ self.w_ + self.b_  # (1.4.2)

    def predict_proba(self, X):
        """Return the probabilities of both classes, shape (n, 2)."""
        z = self.decision_function(X)  # (n,)
        return sigmoid(np.column_stack([-z, z]))  # (n, 2), (1.4.3)


def softmax(Z):
    """Turn net inputs (n, K) into probabilities (n, K). Implements (1.4.22).

    Each row is shifted by its maximum, as (1.4.23) allows; it sums to one.
    """
    E = np.exp(Z - Z.max(axis=1, keepdims=True))  # (n, K), (1.4.23)
    return E / E.sum(axis=1, keepdims=True)  # (n, K), (1.4.22)


def softmax_loss(V, X1, Y, lam):
    """Return J/n and its gradient (d+1, K). Implements (1.4.24), (1.4.25).

    Parameters
    ----------
    V : ndarray (d+1, K)
        Weights, and in the last row the biases.
    X1 : ndarray (n, d+1), Y : ndarray (n, K)
        Samples with a column of ones, labels one-hot.
    lam : float
        Penalty on the weights.

    Returns
    -------
    float, ndarray (d+1, K)
    """
    n, Z = len(X1), X1 @ V  # (n, K)
    Z -= Z.max(axis=1, keepdims=True)  # (1.4.23)
    picked = np.vdot(Y, Z)
    P = np.exp(Z, out=Z)  # (n, K)
    total = P.sum(axis=1, keepdims=True)  # (n, 1)
    W = V[:-1]  # (d, K)
    J = np.log(total).sum() - picked + lam * np.vdot(W, W) / 2  # (1.4.24)
    P /= total  # (1.4.22)
    P -= Y
    G = X1.T @ P  # (d+1, K), (1.4.25)
    G[:-1] += lam * W
    return J / n, G / n


class SoftmaxRegression(Classifier):
    """A linear unit for each class, joined by the softmax. Minimizes (1.4.24).

    Parameters
    ----------
    lam : float, not negative
        Penalty λ on the squared weights; 1/C in scikit-learn.
    n_iter : int
        Most steps of L-BFGS.
    tol : float
        Stop when no entry of the gradient of J/n is larger than this.

    Attributes
    ----------
    W_ : ndarray (d, K), b_ : ndarray (K,)
        Weights and biases, a column for each class.
    losses_ : list of float
        J after every step.
    """

    def __init__(self, lam=1.0, n_iter=1000, tol=1e-6):
        self.lam = lam
        self.n_iter = n_iter
        self.tol = tol

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        X1 = np.column_stack([X, np.ones(len(X))])  # (n, d+1)
        Y = np.eye(len(self.classes_))[y]  # (n, K)
        shape, self.losses_ = (X1.shape[1], Y.shape[1]), []

        def value(flat):
            J, G = softmax_loss(flat.reshape(shape), X1, Y, self.lam)
            return J, G.ravel()  # (1.4.24), (1.4.25)

        result = minimize(
            value, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
            callback=lambda intermediate_result: self.losses_.append(
                len(X) * float(intermediate_result.fun)),
            options={"maxiter": self.n_iter, "gtol": self.tol, "ftol": 1e-15})
        V = result.x.reshape(shape)  # (d+1, K)
        self.W_, self.b_ = V[:-1], V[-1]
        return self

    def predict_proba(self, X):
        """Return the probability of each class, shape (n, K)."""
        return softmax(self.checked(X) @ self.W_ + self.b_)  # (1.4.22)
