"""The bases validate, code the labels, and pass scikit-learn's own test suite."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import checks as check
from helpers import data
from helpers.estimators import (
    BinaryClassifier,
    Classifier,
    Clusterer,
    Regressor,
    Transformer,
)


class NearestMeans(Classifier):
    def __init__(self, power=2.0):
        self.power = power

    def fit(self, X, y):
        X, y = self.checked(X, y)
        self.means_ = np.array([X[y == k].mean(axis=0) for k in range(y.max() + 1)])
        return self

    def predict_proba(self, X):
        X = self.checked(X)
        gap = np.abs(X[:, None, :] - self.means_) ** self.power
        P = np.exp(gap.sum(axis=2).min(axis=1, keepdims=True) - gap.sum(axis=2))
        return P / P.sum(axis=1, keepdims=True)


class MeanDifference(BinaryClassifier):
    labels = (-1, 1)

    def fit(self, X, y):
        X, y = self.checked(X, y)
        assert set(np.unique(y)) == {-1.0, 1.0}
        first, second = X[y < 0].mean(axis=0), X[y > 0].mean(axis=0)
        self.w_ = second - first
        self.b_ = -self.w_ @ (first + second) / 2
        return self

    def decision_function(self, X):
        return self.checked(X) @ self.w_ + self.b_


class LeastSquares(Regressor):
    def fit(self, X, y):
        X, y = self.checked(X, y)
        self.mean_x_, self.mean_y_ = X.mean(axis=0), y.mean()
        self.w_ = np.linalg.lstsq(X - self.mean_x_, y - self.mean_y_, rcond=None)[0]
        return self

    def predict(self, X):
        return (self.checked(X) - self.mean_x_) @ self.w_ + self.mean_y_


class Centering(Transformer):
    fewest_samples = 2

    def fit(self, X, y=None):
        self.mean_ = self.checked(X, y).mean(axis=0)
        return self

    def transform(self, X):
        return self.checked(X) - self.mean_


class Halves(Clusterer):
    def fit(self, X, y=None):
        X = self.checked(X, y)
        self.axis_ = int(X.var(axis=0).argmax())
        self.cut_ = X[:, self.axis_].mean()
        self.labels_ = (X[:, self.axis_] > self.cut_).astype(int)
        return self

    def predict(self, X):
        return (self.checked(X)[:, self.axis_] > self.cut_).astype(int)


@pytest.mark.parametrize(
    "model",
    [NearestMeans(), MeanDifference(), LeastSquares(), Centering(), Halves()],
    ids=lambda model: type(model).__name__,
)
def test_a_class_that_holds_only_mathematics_passes_check_estimator(model):
    check.clear()
    check.estimator(model)


def test_labels_of_any_kind_come_back():
    iris = data.iris(("versicolor", "virginica"))
    names = np.array(iris.classes)[iris.y]
    model = MeanDifference().fit(iris.X, names)
    assert set(model.predict(iris.X)) == {"versicolor", "virginica"}
    assert model.score(iris.X, names) > 0.85


def test_it_works_in_a_pipeline_a_search_and_a_cross_validation():
    iris = data.iris()
    pipeline = make_pipeline(StandardScaler(), NearestMeans())
    assert cross_val_score(pipeline, iris.X, iris.y, cv=5).mean() > 0.8
    search = GridSearchCV(NearestMeans(), {"power": [1.0, 2.0]}, cv=3)
    assert search.fit(iris.X, iris.y).best_params_["power"] in (1.0, 2.0)
    assert clone(NearestMeans(power=1.0)).power == 1.0


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (np.ones((4, 2)), [0, 0, 0, 0], "has 1 class"),
        (np.ones((3, 2)), [0, 1, 2], "Only binary classification is supported"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), [0, 1], "NaN"),
        (np.ones((3, 2)), [0, 1], "inconsistent numbers of samples"),
        (np.ones(3), [0, 1, 1], "Expected 2D array"),
        (np.ones((3, 2)), [0.1, 0.2, 0.3], "continuous"),
    ],
)
def test_bad_input_gets_a_clear_sentence(X, y, says):
    with pytest.raises(ValueError, match=says):
        MeanDifference().fit(X, y)


def test_a_transformer_can_ask_for_more_than_one_sample():
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        Centering().fit(np.ones((1, 3)))
    with pytest.raises(NotFittedError):
        Centering().transform(np.ones((2, 3)))


def test_new_samples_need_a_fitted_model_of_the_same_width():
    model = LeastSquares()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.predict(np.ones((2, 2)))
    model.fit(np.random.default_rng(0).normal(size=(5, 2)), np.arange(5.0))
    with pytest.raises(ValueError, match="3 features"):
        model.predict(np.ones((2, 3)))
