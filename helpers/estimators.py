"""Thin bases that make a from-scratch class a citizen of scikit-learn.

They validate the input and code the labels, so that a class in a notebook holds only
the mathematics. A class derived from one of them

* stores its parameters in ``__init__``, unchanged;
* starts ``fit(X, y)`` with ``X, y = self.checked(X, y)`` and returns ``self``;
* starts every method that takes new samples with ``X = self.checked(X)``;
* ends the name of what it learns in an underscore.

With that it clones, sits in a ``Pipeline``, takes part in ``cross_val_score`` and
``GridSearchCV``, and passes ``check_estimator``. The validation is scikit-learn's own.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClusterMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["BinaryClassifier", "Classifier", "Clusterer", "Regressor", "Transformer"]


NEW_SAMPLES = object()  # the default of y: samples to predict, not to learn from


def _checked_samples(model, X):
    """Validate samples for a fitted model: (n, d) finite floats, d as in ``fit``."""
    check_is_fitted(model)
    return validate_data(model, X, reset=False, dtype=np.float64)


class Classifier(ClassifierMixin, BaseEstimator):
    """Base of a classifier for two or more classes.

    ``checked(X, y)`` returns X as float64 of shape (n, d) and y coded 0 … K−1, and sets
    `classes_`. A subclass defines ``fit`` and ``predict_proba`` of shape (n, K);
    ``predict`` takes the most probable class.
    """

    def checked(self, X, y=NEW_SAMPLES):
        """Return validated samples, and coded labels when `y` is given.

        Parameters
        ----------
        X : array_like (n, d)
            Samples, finite numbers.
        y : array_like (n,), optional
            Labels of any kind; given in ``fit`` only.

        Returns
        -------
        X : ndarray (n, d)
            As float64.
        y : ndarray (n,) of int
            The position of each label in `classes_`; only when `y` was given.

        Raises
        ------
        ValueError
            When the shapes, the values or the labels cannot be used.
        NotFittedError
            When `y` is missing and the model has not been fitted.
        """
        if y is NEW_SAMPLES:
            return _checked_samples(self, X)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, coded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, "
                f"the data has 1 class: {self.classes_[0]!r}"
            )
        return X, coded

    def predict(self, X):
        """Return the most probable class of each sample, shape (n,)."""
        most_probable = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[most_probable]


class BinaryClassifier(Classifier):
    """Base of a classifier for exactly two classes.

    ``checked(X, y)`` codes the smaller label as ``labels[0]`` and the larger one as
    ``labels[1]``, as floats. A subclass defines ``fit`` and ``decision_function`` of
    shape (n,); ``predict`` takes the larger class where that is positive.
    """

    labels = (0.0, 1.0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def checked(self, X, y=NEW_SAMPLES):
        """Return validated samples, and labels coded as `labels` when `y` is given.

        Parameters, returns and errors as in `Classifier.checked`; a third class
        raises ``ValueError``.
        """
        if y is NEW_SAMPLES:
            return _checked_samples(self, X)
        X, coded = super().checked(X, y)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"multiclass: {len(self.classes_)} classes."
            )
        return X, np.asarray(self.labels, dtype=np.float64)[coded]

    def predict(self, X):
        """Return the class of each sample, shape (n,): the larger where positive."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]


class Regressor(RegressorMixin, BaseEstimator):
    """Base of a regressor: ``checked(X, y)`` returns both as float64.

    A subclass defines ``fit`` and ``predict`` of shape (n,).
    """

    def checked(self, X, y=NEW_SAMPLES):
        """Return validated samples, and targets when `y` is given.

        Parameters
        ----------
        X : array_like (n, d)
            Samples, finite numbers.
        y : array_like (n,), optional
            Targets, finite numbers; given in ``fit`` only.

        Returns
        -------
        X : ndarray (n, d)
            As float64.
        y : ndarray (n,)
            As float64; only when `y` was given.

        Raises
        ------
        ValueError
            When the shapes or the values cannot be used.
        NotFittedError
            When `y` is missing and the model has not been fitted.
        """
        if y is NEW_SAMPLES:
            return _checked_samples(self, X)
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        return X, np.asarray(y, dtype=np.float64)


class _WithoutTargets(BaseEstimator):
    """What transformers and clusterers share: `y` may be passed and is not read."""

    fewest_samples = 1  # what ``fit`` needs at least

    def checked(self, X, y=NEW_SAMPLES):
        """Return validated samples.

        Parameters
        ----------
        X : array_like (n, d)
            Samples, finite numbers.
        y : object, optional
            Whatever ``fit`` was given; its presence tells ``fit`` from later calls.

        Returns
        -------
        ndarray (n, d)
            X as float64.

        Raises
        ------
        ValueError
            When the shape or the values cannot be used, or ``fit`` gets fewer than
            `fewest_samples` samples.
        NotFittedError
            When `y` is missing and the model has not been fitted.
        """
        if y is NEW_SAMPLES:
            return _checked_samples(self, X)
        return validate_data(
            self, X, dtype=np.float64, ensure_min_samples=self.fewest_samples
        )


class Transformer(TransformerMixin, _WithoutTargets):
    """Base of a transformer: a subclass defines ``fit`` and ``transform``.

    ``fit(X, y=None)`` starts with ``X = self.checked(X, y)``, ``transform`` with
    ``X = self.checked(X)``.
    """


class Clusterer(ClusterMixin, _WithoutTargets):
    """Base of a clusterer: a subclass defines ``fit``, which sets `labels_`.

    ``fit(X, y=None)`` starts with ``X = self.checked(X, y)``, methods for new samples
    with ``X = self.checked(X)``.
    """
