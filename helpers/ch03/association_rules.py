# Generated from ch03/06_association_rules.ipynb by `make export`: do not edit.
"""What ch03/06_association_rules.ipynb exports for other notebooks."""

__all__ = ['measures', 'as_table', 'pack', 'popcount', 'smallest_count', 'joins', 'next_level', 'mine', 'as_frame',
           'frequent_itemsets', 'PrefixTree', 'grow', 'fp_growth', 'smaller_sets', 'closed_itemsets',
           'maximal_itemsets', 'supports_in', 'sides', 'association_rules', 'scores', 'largest_score',
           'permutation_threshold', 'pattern_table', 'corrupted', 'quest_baskets']


from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pandas as pd


def measures(s, a, c):
    """Return every metric of rules from their supports.

    Implements (3.6.2) to (3.6.6) and (3.6.11).

    Parameters
    ----------
    s, a, c : array_like (m,)
        Supports of A ∪ C (positive), of A and of C, as shares.

    Returns
    -------
    dict of str to ndarray (m,)
    """
    s, a, c = (np.asarray(v, dtype=float) for v in (s, a, c))
    with np.errstate(divide="ignore", invalid="ignore"):
        p, leverage = s / a, s - a * c  # (3.6.2), (3.6.4)
        wrong = np.where(p < 1, (1 - c) / (1 - p), np.inf)  # (3.6.5)
        larger = np.maximum(s * (1 - a), a * (c - s))
        zhang = np.where(larger == 0, 0.0, leverage / larger)  # (3.6.6)
        certainty = np.where(c == 1, 0.0, (p - c) / (1 - c))  # (3.6.9)
    return {"antecedent support": a, "consequent support": c, "support": s,
            "confidence": p, "lift": p / c,  # (3.6.3)
            "leverage": leverage, "conviction": wrong,
            "zhangs_metric": zhang, "jaccard": s / (a + c - s),  # (3.6.11)
            "certainty": certainty, "kulczynski": (p + s / c) / 2}


def as_table(baskets):
    """Return X (n, d) of bool and the names of the d items, or refuse."""
    if isinstance(baskets, pd.DataFrame):
        X, names = baskets.to_numpy(), list(baskets.columns)
        if len(set(names)) < len(names):
            raise ValueError("two columns of the table have the same name")
        if X.dtype != bool and not np.isin(X, (0, 1)).all():
            raise ValueError("the table may hold only True and False, 1 and 0")
        return X.astype(bool), names
    baskets = list(baskets)
    if any(isinstance(T_i, str) for T_i in baskets):
        raise ValueError("a basket is a set of items, but one of them is text")
    baskets = [set(T_i) for T_i in baskets]
    names = sorted(set().union(*baskets), key=str)
    column = {item: j for j, item in enumerate(names)}
    X = np.zeros((len(baskets), len(names)), dtype=bool)  # (n, d)
    for i, T_i in enumerate(baskets):
        X[i, [column[item] for item in T_i]] = True
    return X, names


def pack(X):
    """Return the columns of X (n, d) as bit strings, (d, words) of uint64."""
    n, d = X.shape
    octets = np.zeros((d, 8 * (n // 64 + 1)), dtype=np.uint8)
    octets[:, : (n + 7) // 8] = np.packbits(X, axis=0).T
    return octets.view(np.uint64)  # (d, words)


def popcount(bits):
    """Return the number of ones in each row of bits (…, words)."""
    return np.bitwise_count(bits).sum(axis=-1, dtype=np.int64)  # (3.6.14)


def smallest_count(min_support, n):
    """Return the smallest m with m / n >= min_support, n + 1 if none has."""
    if not min_support > 0:
        raise ValueError(
            f"min_support must be positive, got {min_support}: at zero, sets "
            "that no basket holds would be frequent"
        )
    shares = np.arange(n + 1) / max(n, 1)  # (n+1,)
    return int(np.searchsorted(shares, min_support))


def joins(sets):
    """Yield (r, rows): set r and the rows it joins with, pruned."""
    known, classes = set(sets), defaultdict(list)
    for r, Z in enumerate(sets):
        classes[Z[:-1]].append(r)
    for rows in classes.values():
        for k, r in enumerate(rows[:-1], start=1):
            u, later = sets[r], rows[k:]
            for m in range(len(u) - 1):  # parts without item m, (3.6.13)
                part = u[:m] + u[m + 1 :]
                later = [q for q in later if (*part, sets[q][-1]) in known]
            if later:
                yield r, later


def next_level(sets, bits, min_count):
    """Return the frequent sets one item larger, their bits and counts."""
    larger, kept, counts = [], [bits[:0]], []
    for r, rows in joins(sets):
        both = bits[rows] & bits[r]  # (len(rows), words), (3.6.14)
        count = popcount(both)
        often = np.flatnonzero(count >= min_count)
        larger += [(*sets[r], sets[rows[q]][-1]) for q in often]
        kept.append(both[often])
        counts += count[often].tolist()
    return larger, np.concatenate(kept), counts


def mine(X, min_count, max_len=None):
    """Return {tuple of columns: count} of the frequent itemsets of X."""
    bits, found = pack(X), {}
    counts = popcount(bits)  # (d,)
    items = np.flatnonzero(counts >= min_count)
    sets, bits = [(j,) for j in items.tolist()], bits[items]
    counts = counts[items].tolist()
    while sets:
        found.update(zip(sets, counts))
        if len(sets[0]) == max_len:
            break
        sets, bits, counts = next_level(sets, bits, min_count)
    return found


def as_frame(found, names, n):
    """Return {tuple of columns: count} as a data frame of itemsets."""
    order = sorted(found, key=lambda Z: (len(Z), Z))
    sets = [frozenset(names[j] for j in Z) for Z in order]
    shares = np.array([found[Z] for Z in order], dtype=float) / max(n, 1)
    return pd.DataFrame({"support": shares,
                         "itemsets": pd.Series(sets, dtype=object)})


def frequent_itemsets(baskets, min_support=0.5, max_len=None):
    """Find all frequent itemsets by Apriori. Implements (3.6.13), (3.6.14).

    Parameters
    ----------
    baskets : DataFrame (n, d) of bool, or iterable of n sets
        Column names, or elements of the sets, are the items.
    min_support : float
        Smallest share of baskets, positive. Above 1 nothing is frequent.
    max_len : int, optional
        Largest size of an itemset, at least 1.

    Returns
    -------
    DataFrame
        Columns support and itemsets (frozensets), by size, then columns.

    Raises
    ------
    ValueError
        When the baskets or the two limits cannot be used.
    """
    if max_len is not None and max_len < 1:
        raise ValueError(f"max_len must be at least 1, got {max_len}")
    X, names = as_table(baskets)
    min_count = smallest_count(min_support, len(X))
    return as_frame(mine(X, min_count, max_len), names, len(X))


class PrefixTree:
    """Paths of items with counts; `nodes[x]` lists the nodes of item x."""

    def __init__(self, paths, min_count):
        counts = defaultdict(int)
        for path, times in paths:
            for x in path:
                counts[x] += times
        often = {x for x, total in counts.items() if total >= min_count}
        self.item, self.parent, self.count = [None], [None], [0]
        self.nodes, children = defaultdict(list), [{}]
        for path, times in paths if often else ():
            node = 0
            for x in path:
                if x in often:
                    below = children[node].get(x)
                    if below is None:
                        below = children[node][x] = len(self.item)
                        self._append(x, node)
                        children.append({})
                    node = below
                    self.count[node] += times

    def _append(self, x, parent):
        self.nodes[x].append(len(self.item))
        self.item.append(x)
        self.parent.append(parent)
        self.count.append(0)

    def above(self, node):
        """Return the items between the root and a node, top first."""
        path, item, parent = [], self.item, self.parent
        while node := parent[node]:
            path.append(item[node])
        return path[::-1]


def grow(tree, suffix, min_count, max_len, found):
    """Add to `found` every frequent set of a tree, with the suffix."""
    for x, nodes in tree.nodes.items():
        Z = (x, *suffix)
        found[Z] = sum(tree.count[v] for v in nodes)
        if len(Z) != max_len:
            base = [(tree.above(v), tree.count[v]) for v in nodes]
            smaller = PrefixTree(base, min_count)  # (3.6.15)
            grow(smaller, Z, min_count, max_len, found)


def fp_growth(baskets, min_support=0.5, max_len=None):
    """Find all frequent itemsets by FP-growth. Implements (3.6.15).

    Parameters, returns and errors as in `frequent_itemsets`.
    """
    if max_len is not None and max_len < 1:
        raise ValueError(f"max_len must be at least 1, got {max_len}")
    X, names = as_table(baskets)
    min_count = smallest_count(min_support, len(X))
    order = np.argsort(-X.sum(axis=0), kind="stable")  # (d,)
    often = order[X.sum(axis=0)[order] >= min_count]
    ranked = X[:, often]  # columns by falling frequency
    rows = np.split(np.nonzero(ranked)[1], ranked.sum(axis=1).cumsum()[:-1])
    paths = Counter(tuple(row.tolist()) for row in rows)
    found = {}
    grow(PrefixTree(paths.items(), min_count), (), min_count, max_len, found)
    columns = often.tolist()
    found = {tuple(sorted(columns[r] for r in Z)): m
             for Z, m in found.items()}
    return as_frame(found, names, len(X))


def smaller_sets(itemsets):
    """Yield (Z without one item, support of Z) for every itemset Z."""
    for Z, share in zip(itemsets["itemsets"], itemsets["support"]):
        for x in Z:
            yield Z - {x}, share


def closed_itemsets(itemsets):
    """Return the closed rows of a full table of frequent itemsets."""
    tied = set(smaller_sets(itemsets))  # a superset has the same support
    rows = zip(itemsets["itemsets"], itemsets["support"])
    keep = np.array([row not in tied for row in rows], dtype=bool)
    return itemsets[keep].reset_index(drop=True)


def maximal_itemsets(itemsets):
    """Return the maximal rows of a full table of frequent itemsets."""
    inside = {A for A, _ in smaller_sets(itemsets)}
    keep = np.array([Z not in inside for Z in itemsets["itemsets"]], bool)
    return itemsets[keep].reset_index(drop=True)


def supports_in(baskets, sets):
    """Return {itemset: support}, counted in the baskets."""
    X, names = as_table(baskets)
    bits, column = pack(X), {item: j for j, item in enumerate(names)}
    unknown = set().union(*sets) - set(names)
    if unknown:
        raise ValueError(f"no basket holds {sorted(unknown, key=str)}")
    rows = {A: bits[[column[x] for x in A]] for A in sets}  # (|A|, words)
    return {A: popcount(np.bitwise_and.reduce(b)) / len(X)  # (3.6.14)
            for A, b in rows.items()}


def sides(itemsets):
    """Yield (Z, A, C) for each rule A → C with A ∪ C = Z in the table."""
    for Z in itemsets:
        items = sorted(Z, key=str)
        for size in range(len(items) - 1, 0, -1):
            for A in map(frozenset, combinations(items, size)):
                yield Z, A, Z - A


def association_rules(itemsets, metric="confidence", min_threshold=0.8,
                      baskets=None):
    """Return all rules whose metric reaches a threshold, with every metric.

    Parameters
    ----------
    itemsets : DataFrame
        Columns support and itemsets, as the miners return them; may be empty.
    metric : str
        A key of `measures`.
    min_threshold : float
        Rules with at least this value are kept.
    baskets : optional
        As for the miners: where to count the parts that `itemsets` lacks.

    Returns
    -------
    DataFrame
        Columns antecedents, consequents, and one for each metric.

    Raises
    ------
    ValueError
        When a column, the metric, or the support of a part is missing.
    """
    if not {"support", "itemsets"} <= set(itemsets.columns):
        raise ValueError("itemsets needs the columns support and itemsets")
    share = {frozenset(Z): s
             for Z, s in zip(itemsets["itemsets"], itemsets["support"])}
    rules = list(sides(share))
    missing = {A for _, A, _ in rules if A not in share}
    if missing and baskets is None:
        raise ValueError(f"the support of {len(missing)} parts is missing, as "
                         "with closed or maximal itemsets: pass baskets=")
    share.update(supports_in(baskets, missing) if missing else {})
    found = measures(*([share[rule[k]] for rule in rules] for k in range(3)))
    if metric not in found:
        raise ValueError(f"metric {metric!r} is none of {', '.join(found)}")
    keep = np.flatnonzero(found[metric] >= min_threshold)  # (kept,)
    text = {name: pd.Series([rules[r][k] for r in keep], dtype=object)
            for k, name in ((1, "antecedents"), (2, "consequents"))}
    return pd.DataFrame(text | {k: v[keep] for k, v in found.items()})


def scores(s, a, c, n):
    """Return z of rules with supports s, a, c, (m,), in n baskets."""
    s, a, c = (np.asarray(v, dtype=float) for v in (s, a, c))
    variance = a * (1 - a) * c * (1 - c) / (n - 1)
    certain = variance == 0  # a side that is in every basket
    z = (s - a * c) / np.sqrt(np.where(certain, 1, variance))  # (3.6.17)
    return np.where(certain, 0.0, z)


def largest_score(X, min_support):
    """Return the largest z of all rules in a table X (n, d), or 0."""
    n = len(X)
    found = mine(X, smallest_count(min_support, n))
    share = {frozenset(Z): m / n for Z, m in found.items()}
    rules = [[share[S] for S in rule] for rule in sides(share)]  # (m, 3)
    return max(scores(*zip(*rules), n)) if rules else 0.0


def permutation_threshold(baskets, min_support, rng, B=99, alpha=0.05):
    """Return t of (3.6.18) and the largest z of each shuffle, (B,)."""
    k = int(np.ceil(round((1 - alpha) * (B + 1), 9)))
    if not 1 <= k <= B:
        raise ValueError(f"{B} shuffles are too few for alpha = {alpha}")
    X, _ = as_table(baskets)
    largest = [largest_score(rng.permuted(X, axis=0), min_support)
               for _ in range(B)]
    return np.sort(largest)[k - 1], np.array(largest)  # (3.6.18)


def pattern_table(d, n_patterns, length, rng):
    """Return lists of items that overlap with the one before."""
    patterns, last = [], []
    for _ in range(n_patterns):
        size = min(d, max(1, rng.poisson(length)))
        shared = round(size * min(1.0, rng.exponential(0.5)))
        kept = rng.permutation(last)[:shared].astype(int).tolist()
        fresh = [j for j in rng.permutation(d).tolist() if j not in kept]
        last = kept + fresh[: size - len(kept)]
        patterns.append(last)
    return patterns


def corrupted(patterns, rng):
    """Yield corrupted patterns by weight, without end."""
    weights = rng.exponential(size=len(patterns))
    level = rng.normal(0.5, np.sqrt(0.1), len(patterns)).clip(0, 0.95)
    while True:
        for k in rng.choice(len(patterns), 10_000, p=weights / weights.sum()):
            dropped = rng.geometric(1 - level[k]) - 1
            size = len(patterns[k]) - dropped
            if size > 0:
                yield rng.permutation(patterns[k])[:size].tolist()


def quest_baskets(n, d=500, n_patterns=500, size=10, length=4, seed=0):
    """Return n synthetic baskets of d items as a boolean data frame.

    After Agrawal and Srikant (1994): `size` is the mean size of a basket,
    `length` of a pattern.
    """
    rng = np.random.default_rng(seed)
    stream = corrupted(pattern_table(d, n_patterns, length, rng), rng)
    X, waiting = np.zeros((n, d), dtype=bool), None
    for i, room in enumerate(np.maximum(1, rng.poisson(size, n)).tolist()):
        basket = set()
        while len(basket) < room:
            items, waiting = waiting or next(stream), None
            full = len(basket.union(items)) > room
            if basket and full and rng.random() < 0.5:
                waiting = items
                break
            basket.update(items)
        X[i, list(basket)] = True
    return pd.DataFrame(X, columns=[f"i{j:03d}" for j in range(d)])
