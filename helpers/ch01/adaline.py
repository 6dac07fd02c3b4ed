# Generated from ch01/02_adaline.ipynb by `make export`: do not edit.
"""What ch01/02_adaline.ipynb exports for other notebooks."""

__all__ = ['AdalineGD', 'AdalineSGD']


import numpy as np
from sklearn.utils.validation import validate_data

from helpers.estimators import BinaryClassifier


class AdalineGD(BinaryClassifier):
    """A linear unit that descends its mean squared error. Implements (1.2.6).

    Parameters
    ----------
    eta : float
        Learning rate; it converges below 2 / λmax, (1.2.9).
    n_iter : int
        Number of steps, each over all samples.
    random_state : int
        Seed of the first weights.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Weights and bias.
    losses_ : list of float
        Mean squared error before each step.
    """

    def __init__(self, eta=0.01, n_iter=50, random_state=1):
        self.eta = eta
        self.n_iter = n_iter
        self.random_state = random_state

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,) of 0 and 1
        self._start(X.shape[1])
        for _ in range(self.n_iter):
            e = y - self.activation(self.net_input(X))  # (n,)
            self.losses_.append(float(e @ e) / len(y))  # (1.2.3)
            self.w_ = self.w_ + 2 * self.eta / len(y) * (e @ X)  # (1.2.6)
            self.b_ = self.b_ + 2 * self.eta * float(e.mean())  # (1.2.6)
        return self

    def _start(self, d):
        rng, self.losses_ = np.random.default_rng(self.random_state), []
        self.w_, self.b_ = rng.normal(scale=0.01, size=d), 0.0  # (d,)
        return rng

    def net_input(self, X):
        """Return the net input of each row of an array X, shape (n,)."""
        return X @ self.w_ + self.b_  # (1.2.1)

    def activation(self, z):
        """Return z: Adaline's activation is linear."""
        return z  # (1.2.1)

    def decision_function(self, X):
        """Return activation minus one half for each row of X, shape (n,)."""
        z = self.net_input(self.checked(X))  # (n,)
        return self.activation(z) - 0.5  # (1.2.2)


class AdalineSGD(AdalineGD):
    """Adaline that learns from mini-batches. Implements (1.2.12).

    Parameters are those of `AdalineGD`, with `n_iter` the number of epochs,
    `random_state` the seed of weights and shuffles, and `batch_size`, an int,
    the number of samples a step. `losses_` holds the mean squared error of
    each epoch, every error taken just before its step.
    """

    def __init__(self, eta=0.01, n_iter=50, batch_size=1, random_state=1):
        super().__init__(eta=eta, n_iter=n_iter, random_state=random_state)
        self.batch_size = batch_size

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,) of 0 and 1
        rng = self._start(X.shape[1])
        for _ in range(self.n_iter):
            order = rng.permutation(len(y))
            self._epoch(X[order], y[order])
        return self

    def partial_fit(self, X, y, classes=None):
        """Take one pass over X (n, d), y (n,) in order; return the estimator.

        The first call needs `classes`, the two labels, if y lacks one.
        """
        new = not hasattr(self, "w_")
        X, y = validate_data(self, X, y, reset=new, dtype=np.float64)
        if new:
            self.classes_ = np.unique(y if classes is None else classes)
        if len(self.classes_) != 2 or not np.isin(y, self.classes_).all():
            raise ValueError(f"two labels are needed, got {self.classes_}")
        if new:
            self._start(X.shape[1])
        self._epoch(X, np.where(y == self.classes_[1], 1.0, 0.0))
        return self

    def _epoch(self, X, y):
        """Step through the rows, a mini-batch at a time."""
        X1 = np.column_stack([X, np.ones(len(X))])  # (n, d+1)
        v, m = np.append(self.w_, self.b_), self.batch_size  # (d+1,)
        e = np.empty(len(y))  # (n,)
        for i in range(0, len(y), m):
            x = X1[i : i + m]  # (m, d+1), the last one may be shorter
            e[i : i + m] = e_B = y[i : i + m] - x @ v  # (m,)
            v += (2 * self.eta / len(x)) * (e_B @ x)  # (1.2.12)
        self.w_, self.b_ = v[:-1], float(v[-1])
        self.losses_.append(float(e @ e) / len(y))
