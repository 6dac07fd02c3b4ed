"""Chapter 1 beside scikit-learn and mlxtend, on 20,000 samples of 50 features."""

from __future__ import annotations

import warnings

import numpy as np
from mlxtend import classifier as mlx_classifier
from mlxtend import regressor as mlx_regressor
from sklearn import linear_model as sk
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

from helpers.benchmarks import Pair, coefficients_apart, lost
from helpers.ch01.adaline import AdalineGD, AdalineSGD
from helpers.ch01.linear_regression import LinearRegression, Ridge, lasso_path
from helpers.ch01.logistic_regression import LogisticRegression, SoftmaxRegression
from helpers.ch01.perceptron import Perceptron

SIZE = (20_000, 50)


def pairs(size: tuple[int, int] = SIZE) -> list[Pair]:
    """Return the pairs of chapter 1.

    Parameters
    ----------
    size : tuple of int
        Samples and features; smaller in tests.

    Returns
    -------
    list of Pair
        Classification first, then regression.
    """
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    n, d = size
    options = {"n_samples": n, "n_features": d, "random_state": 0}
    X, y = make_classification(n_informative=d // 2, class_sep=1.0, **options)
    many = make_classification(n_informative=d // 2, n_classes=5, **options)
    line = make_regression(n_informative=d // 2, noise=10.0, **options)
    X, X_many = ((Z - Z.mean(axis=0)) / Z.std(axis=0) for Z in (X, many[0]))
    return [
        *_by_epochs(X, y),
        *_logistic(X, y),
        *_softmax(X_many, many[1]),
        *_regression(*line),
    ]


def _accuracy(model, X, y):
    return np.mean(model.fit(X, y).predict(X) == y)


def _by_epochs(X, y, epochs=5):
    """Pair the methods that pass over the data a fixed number of times."""
    tag = f"{epochs} epochs, {X.shape[0]:,} × {X.shape[1]}"
    ours = Perceptron(n_iter=epochs)
    theirs = sk.Perceptron(shuffle=False, tol=None, max_iter=epochs)
    mlx = mlx_classifier.Perceptron(eta=1.0, epochs=epochs, random_seed=1)
    eta = 1 / (X.shape[1] + 1)
    adaline, sgd = AdalineGD(eta, 100), AdalineSGD(1e-3, epochs, 1)
    # mlxtend steps along the sum of the errors, without the factor 2 of a square.
    mlx_adaline = mlx_classifier.Adaline(
        eta=2 * eta / len(y), epochs=100, minibatches=1, random_seed=1
    )
    mlx_sgd = mlx_classifier.Adaline(
        eta=2e-3, epochs=epochs, minibatches=len(y), random_seed=1
    )
    return [
        Pair(
            f"Perceptron, {tag}",
            lambda: np.append(ours.fit(X, y).w_, ours.b_),
            lambda: np.append(theirs.fit(X, y).coef_, theirs.intercept_),
            "scikit-learn Perceptron",
            coefficients_apart,
            1e-9,
            np.inf,
        ),
        Pair(
            f"Perceptron, {tag}",
            lambda: _accuracy(ours, X, y),
            lambda: _accuracy(mlx, X, y),
            "mlxtend Perceptron",
            lost,
            0.05,
            1.0,
        ),
        Pair(
            f"AdalineGD, 100 steps, {tag.partition(', ')[2]}",
            lambda: _accuracy(adaline, X, y),
            lambda: _accuracy(mlx_adaline, X, y),
            "mlxtend Adaline, one batch",
            lost,
            0.005,
            1.0,
        ),
        Pair(
            f"AdalineSGD, {tag}",
            lambda: _accuracy(sgd, X, y),
            lambda: _accuracy(mlx_sgd, X, y),
            "mlxtend Adaline, batches of one",
            lost,
            0.01,
            1.0,
        ),
    ]


def _logistic(X, y):
    size = f"{X.shape[0]:,} × {X.shape[1]}"
    ours = LogisticRegression(lam=1.0)
    theirs = sk.LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-8)
    mlx = mlx_classifier.LogisticRegression(
        eta=0.5 / len(y), epochs=100, minibatches=1, random_seed=1
    )
    return [
        Pair(
            f"LogisticRegression (Newton), {size}",
            lambda: ours.fit(X, y).w_,
            lambda: theirs.fit(X, y).coef_[0],
            "scikit-learn newton-cholesky",
            coefficients_apart,
            1e-4,
            3.0,
        ),
        Pair(
            f"LogisticRegression (Newton), {size}",
            lambda: _accuracy(ours, X, y),
            lambda: _accuracy(mlx, X, y),
            "mlxtend, 100 epochs",
            lost,
            0.01,
            1.0,
        ),
    ]


def _softmax(X, y):
    size = f"{X.shape[0]:,} × {X.shape[1]}, 5 classes"
    ours = SoftmaxRegression(lam=1.0)
    theirs = sk.LogisticRegression(C=1.0, tol=1e-6, max_iter=1000)
    mlx = mlx_classifier.SoftmaxRegression(
        eta=0.5 / len(y), epochs=100, minibatches=1, random_seed=1
    )

    def probabilities(model):
        return model.fit(X, y).predict_proba(X)

    return [
        Pair(
            f"SoftmaxRegression, {size}",
            lambda: probabilities(ours),
            lambda: probabilities(theirs),
            "scikit-learn lbfgs",
            coefficients_apart,
            1e-2,
            3.0,
        ),
        Pair(
            f"SoftmaxRegression, {size}",
            lambda: _accuracy(ours, X, y),
            lambda: _accuracy(mlx, X, y),
            "mlxtend, 100 epochs",
            lost,
            0.01,
            1.0,
        ),
    ]


def _regression(X, y):
    size = f"{X.shape[0]:,} × {X.shape[1]}"
    ridge, sk_ridge = Ridge(lam=10.0), sk.Ridge(alpha=10.0)
    plain, sk_plain = LinearRegression(), sk.LinearRegression()
    mlx = mlx_regressor.LinearRegression(method="svd")
    centered = X - X.mean(axis=0)
    top = np.abs(centered.T @ (y - y.mean())).max() / len(y)
    lams = np.geomspace(top, top / 1000, 100)

    return [
        Pair(
            f"Ridge, {size}",
            lambda: ridge.fit(X, y).w_,
            lambda: sk_ridge.fit(X, y).coef_,
            "scikit-learn Ridge",
            coefficients_apart,
            1e-8,
            3.0,
        ),
        Pair(
            f"lasso path of 100, {size}",
            lambda: lasso_path(X, y, lams)[0],
            lambda: sk.lasso_path(centered, y - y.mean(), alphas=lams, tol=1e-8)[1].T,
            "scikit-learn lasso_path",
            coefficients_apart,
            1e-4,
            3.0,
        ),
        Pair(
            f"LinearRegression (SVD), {size}",
            lambda: plain.fit(X, y).w_,
            lambda: sk_plain.fit(X, y).coef_,
            "scikit-learn LinearRegression",
            coefficients_apart,
            1e-8,
            3.0,
        ),
        Pair(
            f"LinearRegression (SVD), {size}",
            lambda: plain.fit(X, y).w_,
            lambda: mlx.fit(X, y).w_.ravel(),
            "mlxtend, method svd",
            coefficients_apart,
            1e-6,
            1.0,
        ),
    ]
