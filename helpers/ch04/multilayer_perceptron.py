# Generated from ch04/01_multilayer_perceptron.ipynb by `make export`: do not edit.
"""What ch04/01_multilayer_perceptron.ipynb exports for other notebooks."""

__all__ = ['ACTIVATIONS', 'forward', 'cross_entropy', 'backward', 'gradients', 'initialize', 'minibatches', 'MLP']


from itertools import pairwise

import numpy as np

from helpers.ch01.logistic_regression import sigmoid, softmax
from helpers.estimators import Classifier


ACTIVATIONS = {  # name: (g of z, slope of g written with a = g(z))
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),  # (4.1.11)
    "tanh": (np.tanh, lambda a: 1 - a * a),  # (4.1.11)
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),  # (4.1.11)
}


def forward(X, weights, biases, activation="relu"):
    """Return the activations of every layer. Implements (4.1.4).

    Parameters
    ----------
    X : ndarray (n, d_0)
    weights : list of ndarray (d_in, d_out), biases : list of ndarray (d_out,)
        One of each for every layer.
    activation : {"relu", "tanh", "sigmoid"}

    Returns
    -------
    list of ndarray (n, d_l)
        X, the activations of the hidden layers, the last net inputs.
    """
    g, _ = ACTIVATIONS[activation]
    a = [X]
    for W, b in zip(weights[:-1], biases[:-1]):
        a.append(g(a[-1] @ W + b))  # (n, d_l), (4.1.4)
    a.append(a[-1] @ weights[-1] + biases[-1])  # (n, K), (4.1.4)
    return a


def cross_entropy(Z, y):
    """Return the loss and its slope at Z. Implements (4.1.9), (4.1.10).

    Parameters
    ----------
    Z : ndarray (n, K)
        The last net inputs.
    y : ndarray (n,) of int
        Labels 0 … K-1.

    Returns
    -------
    loss : float
        Mean over the samples, in nats.
    delta : ndarray (n, K)
    """
    n, K = Z.shape
    Z = Z - Z.max(axis=1, keepdims=True)  # (n, K), (1.4.23)
    log_P = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))  # (n, K)
    loss = -log_P[np.arange(n), y].mean()  # (4.1.9)
    return loss, (np.exp(log_P) - np.eye(K)[y]) / n  # (4.1.10)


def backward(a, delta, weights, activation="relu"):
    """Return the slopes at all weights and biases, by backpropagation.

    Implements (4.1.5) to (4.1.8).

    Parameters
    ----------
    a : list of ndarray
        What `forward` returned.
    delta : ndarray (n, K)
        Slope of the loss at the last net inputs.
    weights : list of ndarray, activation : str
        As in `forward`.

    Returns
    -------
    dW : list of ndarray (d_in, d_out), db : list of ndarray (d_out,)
    """
    _, slope = ACTIVATIONS[activation]
    dW, db = [], []
    for k in reversed(range(len(weights))):
        dW.append(a[k].T @ delta)  # (d_in, d_out), (4.1.5)
        db.append(delta.sum(axis=0))  # (d_out,), (4.1.6)
        if k > 0:
            da = delta @ weights[k].T  # (n, d_k), (4.1.7)
            delta = da * slope(a[k])  # (n, d_k), (4.1.8)
    return dW[::-1], db[::-1]


def gradients(X, y, weights, biases, activation="relu"):
    """Return the loss and its slopes dW, db at all weights and biases."""
    a = forward(X, weights, biases, activation)
    loss, delta = cross_entropy(a[-1], y)
    return loss, *backward(a, delta, weights, activation)


def initialize(sizes, rng, activation="relu"):
    """Draw weights, and set biases to zero. Implements (4.1.12).

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, input and output included: (784, 100, 10).
    rng : numpy.random.Generator
    activation : str
        He's rule for "relu", Glorot's for the others.

    Returns
    -------
    weights : list of ndarray (d_in, d_out), biases : list of ndarray (d_out,)
    """
    weights, biases = [], []
    for d_in, d_out in pairwise(sizes):
        fan = d_in if activation == "relu" else d_in + d_out
        s = np.sqrt(2 / fan)  # (4.1.12)
        weights.append(s * rng.standard_normal((d_in, d_out)))
        biases.append(np.zeros(d_out))
    return weights, biases


def minibatches(n, batch_size, rng):
    """Return a shuffled 0 … n-1, cut into batches; the last may be short."""
    order = rng.permutation(n)  # (n,)
    return [order[k : k + batch_size] for k in range(0, n, batch_size)]


class MLP(Classifier):
    """A multilayer perceptron with a softmax, by mini-batch descent. (4.1.13)

    Parameters
    ----------
    hidden : tuple of int
        Units in each hidden layer; () gives softmax regression.
    activation : {"relu", "tanh", "sigmoid"}
    eta, lam : float; batch_size, n_iter, random_state : int
        Learning rate, penalty; samples in a step, epochs, seed.

    Attributes
    ----------
    weights_ : list of (d_in, d_out), biases_ : list of (d_out,)
    losses_ : list of float
        Mean loss over each epoch, before each step, without the penalty.
    """

    def __init__(self, hidden=(100,), activation="relu", eta=0.1,
                 batch_size=50, n_iter=30, lam=0.0, random_state=0):
        self.hidden, self.activation, self.eta = hidden, activation, eta
        self.batch_size, self.n_iter = batch_size, n_iter
        self.lam, self.random_state = lam, random_state

    def fit(self, X, y):
        """Learn from X (n, d) and y (n,); return the estimator."""
        X, y = self.checked(X, y)  # (n, d), (n,)
        rng = np.random.default_rng(self.random_state)
        sizes = (X.shape[1], *self.hidden, len(self.classes_))
        self.weights_, self.biases_ = initialize(sizes, rng, self.activation)
        self.losses_ = []
        for _ in range(self.n_iter):
            rows = minibatches(len(X), self.batch_size, rng)
            total = sum(len(i) * self._step(X[i], y[i]) for i in rows)
            self.losses_.append(total / len(X))
        return self

    def _step(self, X, y):
        loss, *slopes = gradients(X, y, self.weights_, self.biases_,
                                  self.activation)
        for W, b, dW, db in zip(self.weights_, self.biases_, *slopes):
            W -= self.eta * (dW + self.lam * W)  # (4.1.13)
            b -= self.eta * db  # (4.1.13)
        return loss

    def predict_proba(self, X):
        """Return the probability of each class, shape (n, K)."""
        a = forward(self.checked(X), self.weights_, self.biases_,
                    self.activation)
        return softmax(a[-1])
