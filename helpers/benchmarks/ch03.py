"""Chapter 3 beside mlxtend: the selector and the miners."""

from __future__ import annotations

from mlxtend import frequent_patterns as mlx
from mlxtend.feature_selection import SequentialFeatureSelector as TheirSelector
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from helpers import data
from helpers.benchmarks import Pair, lost
from helpers.ch03.association_rules import (
    association_rules,
    fp_growth,
    frequent_itemsets,
    quest_baskets,
)
from helpers.ch03.feature_selection import SequentialFeatureSelector

SUPPORTS = (0.02, 0.01, 0.005)


def pairs(k=4, baskets=20_000, supports=SUPPORTS) -> list[Pair]:
    """Return the pairs of chapter 3.

    Parameters
    ----------
    k : int
        Number of wine measurements to select.
    baskets : int
        Number of synthetic baskets, of 500 items.
    supports : sequence of float
        Smallest supports, as shares.

    Returns
    -------
    list of Pair
        In the order of the notebooks.
    """
    quest = quest_baskets(baskets, seed=3)
    found = [_selection(k, forward) for forward in (True, False)]
    for support in supports:
        found += _miners(quest, support)
    return [*found, _growth(quest[: baskets // 4]), _rules(quest, supports[-1])]


def _selection(k, forward):
    wine = data.wine()
    X, y = StandardScaler().fit_transform(wine.X), wine.y
    options = {
        "forward": forward,
        "floating": False,
        "cv": StratifiedKFold(3, shuffle=True, random_state=0),
        "scoring": "neg_log_loss",
    }
    ours = SequentialFeatureSelector(GaussianNB(), k, **options)
    theirs = TheirSelector(GaussianNB(), k, n_jobs=1, **options)
    way = "forward" if forward else "backward"
    return Pair(
        f"{way} selection, {k} of {X.shape[1]}",
        lambda: ours.fit(X, y).score_,
        lambda: float(theirs.fit(X, y).k_score_),
        "mlxtend SequentialFeatureSelector",
        lost,
        1e-9,
        1.0,
    )


def _as_dict(frame):
    return dict(zip(frame["itemsets"], frame["support"]))


def _differing(ours, theirs):
    """Return how many itemsets have another support, or none, on one side."""
    return len(set(_as_dict(ours).items()) ^ set(_as_dict(theirs).items()))


def _miners(quest, support):
    size = f"{len(quest):,} baskets, support {support:g}"
    return [
        Pair(
            f"itemsets, {size}",
            lambda: frequent_itemsets(quest, support),
            theirs,
            f"mlxtend {name}",
            _differing,
            0.0,
            1.0,
        )
        for name, theirs in (
            (
                "apriori (low memory)",
                lambda: mlx.apriori(quest, support, True, low_memory=True),
            ),
            ("hmine", lambda: mlx.hmine(quest, support, use_colnames=True)),
        )
    ]


def _growth(quest):
    return Pair(
        f"FP-growth, {len(quest):,} baskets, support 0.01",
        lambda: fp_growth(quest, 0.01),
        lambda: mlx.fpgrowth(quest, 0.01, use_colnames=True),
        "mlxtend fpgrowth",
        _differing,
        0.0,
        1.0,
    )


def _rules(quest, support):
    itemsets = frequent_itemsets(quest, support)
    return Pair(
        f"rules of {len(itemsets):,} itemsets",
        lambda: association_rules(itemsets, "lift", 1.0),
        lambda: mlx.association_rules(itemsets, metric="lift", min_threshold=1.0),
        "mlxtend association_rules",
        lambda a, b: abs(len(a) - len(b)),
        0.0,
        1.0,
    )
