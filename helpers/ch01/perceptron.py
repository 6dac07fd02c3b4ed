# Generated from ch01/01_perceptron.ipynb by `make export`: do not edit.
"""What ch01/01_perceptron.ipynb exports for other notebooks."""

__all__ = ['Perceptron', 'PocketPerceptron']


import numpy as np

from helpers.estimators import BinaryClassifier


class Perceptron(BinaryClassifier):
    """A threshold unit that learns from its mistakes. Implements (1.1.3).

    Parameters
    ----------
    eta : float
        Learning rate, positive.
    n_iter : int
        Largest number of epochs; it stops after one without a mistake.

    Attributes
    ----------
    w_ : ndarray (d,), b_ : float
        Weights and bias.
    errors_ : list of int
        Mistakes in each epoch.
    """

    labels = (-1, 1)

    def __init__(self, eta=1.0, n_iter=50):
        self.eta = eta
        self.n_iter = n_iter

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        self.w_, self.b_, self.errors_ = np.zeros(X.shape[1]), 0.0, []
        while len(self.errors_) < self.n_iter and 0 not in self.errors_:
            self.errors_.append(self._epoch(X, y))
        return self

    def _epoch(self, X, y, block=64):
        i, errors = 0, 0
        while i < len(y):
            x, t = X[i : i + block], y[i : i + block]  # (64, d), (64,)
            wrong = t * (x @ self.w_ + self.b_) <= 0  # (1.1.1)
            k = int(wrong.argmax())  # the first mistake, or 0
            if wrong[k]:
                self._update(X, y, i + k)
                errors += 1
            i += k + 1 if wrong[k] else len(t)
        return errors

    def _update(self, X, y, i):
        self.w_ = self.w_ + self.eta * y[i] * X[i]  # (1.1.3)
        self.b_ = self.b_ + self.eta * y[i]  # (1.1.3)

    def decision_function(self, X):
        """Return the net input of each row of X, shape (n,)."""
        return self.checked(X) @ self.w_ + self.b_  # (1.1.1)


class PocketPerceptron(Perceptron):
    """A perceptron that hands out its best weights. Implements (1.1.9)."""

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        self.pocket_errors_ = np.inf
        super().fit(X, y)
        self.w_, self.b_ = self.pocket_
        return self

    def _update(self, X, y, i):
        super()._update(X, y, i)
        wrong = y * (X @ self.w_ + self.b_) <= 0  # (n,)
        if wrong.sum() < self.pocket_errors_:  # (1.1.9)
            self.pocket_errors_ = int(wrong.sum())
            self.pocket_ = self.w_.copy(), self.b_
