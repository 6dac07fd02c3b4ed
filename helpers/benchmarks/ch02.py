"""Chapter 2 beside scikit-learn, on 2,000 × 20 and on larger sizes."""

from __future__ import annotations

import numpy as np
from sklearn import cluster as sk_cluster
from sklearn import decomposition, ensemble, manifold, mixture, svm, tree
from sklearn.datasets import make_blobs, make_classification, make_regression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import SGDClassifier

from helpers.benchmarks import Pair, coefficients_apart, lost
from helpers.ch02 import boosting_and_stacking as boosting
from helpers.ch02 import clustering, trees_and_forests
from helpers.ch02 import dimensionality_reduction as reduction
from helpers.ch02.support_vector_machines import SVM, Pegasos

SIZES = ((2_000, 20), (20_000, 20))
SVM_SIZES = ((2_000, 20), (8_000, 20))  # the kernel matrix grows with n²
TSNE_SAMPLES = (300, 600)  # ours is O(n²) a step


def pairs(sizes=SIZES, svm_sizes=SVM_SIZES, tsne_samples=TSNE_SAMPLES) -> list[Pair]:
    """Return the pairs of chapter 2.

    Parameters
    ----------
    sizes, svm_sizes : sequence of tuple of int
        Samples and features; smaller in tests.
    tsne_samples : sequence of int
        Samples for t-SNE.

    Returns
    -------
    list of Pair
        In the order of the notebooks.
    """
    found = []
    for size in svm_sizes:
        found += _machines(*_labeled(size))
    for size in sizes:
        found += _trees(*_labeled(size), *_numbers(size))
    for size in sizes:
        found += _boosting(*_labeled(size), *_numbers(size))
    for size in sizes:
        found += _reduction(*_labeled(size))
    for n in tsne_samples:
        found += _tsne(_labeled((n, 20))[0])
    for size in sizes:
        found += _clustering(size)
    return found


def _labeled(size):
    n, d = size
    X, y = make_classification(n, d, n_informative=d // 2, random_state=0)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def _numbers(size):
    n, d = size
    return make_regression(n, d, n_informative=d // 2, noise=10.0, random_state=0)


def _name(X):
    return f"{X.shape[0]:,} × {X.shape[1]}"


def _fits(task, reference, ours, theirs, X, y, target, allowed=0.02):
    """Pair two models by their fit; the gap is the training score we lose."""
    return Pair(
        f"{task}, {_name(X)}",
        lambda: ours.fit(X, y),
        lambda: theirs.fit(X, y),
        f"scikit-learn {reference}",
        lambda a, b: lost(a.score(X, y), b.score(X, y)),
        allowed,
        target,
    )


def _machines(X, y):
    ours, theirs = SVM(C=1.0, gamma=0.05), svm.SVC(C=1.0, gamma=0.05)
    primal = Pegasos(lam=1e-4, n_iter=20, batch_size=32)
    descent = SGDClassifier(
        alpha=1e-4, max_iter=20, tol=None, average=True, random_state=0
    )
    fitted = ours.fit(X, y), theirs.fit(X, y)
    return [
        Pair(
            f"SVM (RBF), fit, {_name(X)}",
            lambda: ours.fit(X, y).decision_function(X[:100]),
            lambda: theirs.fit(X, y).decision_function(X[:100]),
            "scikit-learn SVC",
            lambda a, b: np.abs(a - b).max(),
            1e-2,
            10.0,
        ),
        Pair(
            f"SVM (RBF), decide, {_name(X)}",
            lambda: fitted[0].decision_function(X),
            lambda: fitted[1].decision_function(X),
            "scikit-learn SVC",
            lambda a, b: np.abs(a - b).max(),
            1e-2,
            3.0,
        ),
        _fits("Pegasos", "SGDClassifier", primal, descent, X, y, 10.0),
    ]


def _trees(X, y, X_line, y_line):
    forests = trees_and_forests
    few = {"n_estimators": 10, "random_state": 0}
    return [
        _fits(
            "decision tree, depth 8",
            "DecisionTreeClassifier",
            forests.DecisionTreeClassifier(max_depth=8),
            tree.DecisionTreeClassifier(max_depth=8, random_state=0),
            X,
            y,
            10.0,
        ),
        _fits(
            "regression tree, depth 8",
            "DecisionTreeRegressor",
            forests.DecisionTreeRegressor(max_depth=8),
            tree.DecisionTreeRegressor(max_depth=8, random_state=0),
            X_line,
            y_line,
            10.0,
        ),
        _fits(
            "random forest of 10",
            "RandomForestClassifier",
            forests.RandomForestClassifier(**few),
            ensemble.RandomForestClassifier(oob_score=False, **few),
            X,
            y,
            10.0,
        ),
    ]


def _boosting(X, y, X_line, y_line):
    rounds = {"n_estimators": 20, "random_state": 0}
    return [
        _fits(
            "AdaBoost, 20 stumps",
            "AdaBoostClassifier",
            boosting.AdaBoost(n_estimators=20),
            ensemble.AdaBoostClassifier(**rounds),
            X,
            y,
            10.0,
        ),
        _fits(
            "gradient boosting, 20 trees",
            "GradientBoostingRegressor",
            boosting.GradientBoostingRegressor(**rounds),
            ensemble.GradientBoostingRegressor(**rounds),
            X_line,
            y_line,
            10.0,
        ),
        _fits(
            "histogram boosting, 20 trees",
            "HistGradientBoostingClassifier",
            boosting.HistBoostingClassifier(max_depth=5, **rounds),
            ensemble.HistGradientBoostingClassifier(
                max_iter=20, max_depth=5, early_stopping=False, random_state=0
            ),
            X,
            y,
            10.0,
        ),
    ]


def _reduction(X, y):
    ours, theirs = reduction.PCA(n_components=5), decomposition.PCA(n_components=5)
    pairs = [
        Pair(
            f"PCA, 5 components, {_name(X)}",
            lambda: np.abs(ours.fit(X).transform(X)),
            lambda: np.abs(theirs.fit(X).transform(X)),
            "scikit-learn PCA",
            coefficients_apart,
            1e-8,
            3.0,
        ),
        _fits(
            "LDA",
            "LinearDiscriminantAnalysis",
            reduction.LDA(),
            LinearDiscriminantAnalysis(),
            X,
            y,
            3.0,
            allowed=1e-3,
        ),
    ]
    if len(X) <= 2_000:
        kernel = reduction.KernelPCA(n_components=2, gamma=0.05)
        options = {"kernel": "rbf", "gamma": 0.05, "eigen_solver": "arpack"}
        reference = decomposition.KernelPCA(2, random_state=0, **options)
        pairs.append(
            Pair(
                f"kernel PCA, {_name(X)}",
                lambda: np.abs(kernel.fit(X).transform(X[:100])),
                lambda: np.abs(reference.fit(X).transform(X[:100])),
                "scikit-learn KernelPCA",
                coefficients_apart,
                1e-6,
                3.0,
            )
        )
    return pairs


def _tsne(X):
    ours = reduction.TSNE(n_components=2, perplexity=20)
    theirs = manifold.TSNE(perplexity=20, method="exact", init="pca", random_state=0)

    P = reduction.joint_probabilities(reduction.squared_distances(X, X), 20)

    def worse(a, b):  # maps differ from run to run; their loss is what counts
        ours, theirs = (reduction.kl_divergence(P, Y.astype(float)) for Y in (a, b))
        return lost(-ours, -theirs) / theirs

    return [
        Pair(
            f"t-SNE, {_name(X)}",
            lambda: ours.fit_transform(X),
            lambda: theirs.fit_transform(X),
            "scikit-learn TSNE, exact",
            worse,
            0.1,
            3.0,
        )
    ]


def _clustering(size):
    n, d = size
    X, _ = make_blobs(n, d, centers=8, cluster_std=4.0, random_state=0)
    start = X[:8].copy()
    ours = clustering.KMeans(n_clusters=8, start=start)
    theirs = sk_cluster.KMeans(8, init=start, n_init=1, algorithm="lloyd", tol=0)
    mix = clustering.GaussianMixture(n_components=8, random_state=0)
    reference = mixture.GaussianMixture(8, random_state=0)
    pairs = [
        Pair(
            f"k-means, {n:,} × {d}",
            lambda: ours.fit(X).inertia_,
            lambda: theirs.fit(X).inertia_,
            "scikit-learn KMeans",
            lambda a, b: lost(-a, -b) / b,
            1e-3,
            10.0,
        ),
        Pair(
            f"Gaussian mixture, {n:,} × {d}",
            lambda: mix.fit(X).score(X),
            lambda: reference.fit(X).score(X),
            "scikit-learn GaussianMixture",
            lost,
            0.5,
            3.0,
        ),
    ]
    if n <= 2_000:
        merge = clustering.Agglomerative(n_clusters=8)
        sk_merge = sk_cluster.AgglomerativeClustering(8)
        dense = clustering.DBSCAN(eps=15.0)
        sk_dense = sk_cluster.DBSCAN(eps=15.0)
        pairs += [
            Pair(
                f"{task}, {n:,} × {d}",
                lambda a=a: len(np.unique(a.fit(X).labels_)),
                lambda b=b: len(np.unique(b.fit(X).labels_)),
                f"scikit-learn {type(b).__name__}",
                lambda a, b: abs(a - b),
                0.0,
                target,
            )
            for task, a, b, target in (
                ("agglomerative, Ward", merge, sk_merge, 10.0),
                ("DBSCAN", dense, sk_dense, 10.0),
            )
        ]
    return pairs
