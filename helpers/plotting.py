"""The figure style of the book, and the plots that more than one notebook draws.

Every function takes an `ax` first and returns it. Colors come from Okabe and Ito's
palette, which color-blind readers can tell apart; marker or dash is the second cue.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import normalize_kwargs
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, LogNorm
from matplotlib.lines import Line2D

__all__ = [
    "COLORS",
    "MARKERS",
    "classes",
    "confusion",
    "contour",
    "curves",
    "decision_regions",
    "figure",
    "heatmap",
    "image_grid",
    "line",
    "path",
    "use_book_style",
]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
SIZES = {
    "single": (5.4, 3.7),  # one panel
    "wide": (9.2, 3.5),  # two or three panels side by side
    "square": (5.2, 4.8),  # one panel whose two axes share a scale
    "tall": (9.2, 6.6),  # two rows of panels
}
BLUES = LinearSegmentedColormap.from_list("book_blues", ["#FFFFFF", "#0072B2"])


def use_book_style():
    """Switch matplotlib to the style of the book."""
    plt.style.use(Path(__file__).with_name("book.mplstyle"))


def figure(size="single", rows=1, cols=1, **options):
    """Create a figure in one of the four sizes of the book.

    Parameters
    ----------
    size : {"single", "wide", "square", "tall"}
        9.2 inches is the width of the page.
    rows, cols : int
        Panels.
    **options
        Passed to ``plt.subplots``, ``sharex=True`` for one.

    Returns
    -------
    fig : Figure
    axes : Axes or ndarray of Axes
        One `Axes` for one panel, else an array as ``plt.subplots`` gives it.
    """
    if size not in SIZES:
        raise ValueError(f"size {size!r} is none of {', '.join(SIZES)}")
    return plt.subplots(rows, cols, figsize=SIZES[size], **options)


def classes(ax, X, y, names=None, *, size=26, **options):
    """Scatter two-dimensional samples, a color and a marker for each class.

    Parameters
    ----------
    ax : Axes
    X : ndarray (n, 2)
    y : ndarray (n,)
        Labels; their sorted order gives color and marker.
    names : sequence of str, optional
        Legend entry of each class.
    size : float
        Marker area in square points.
    **options
        Passed to ``ax.scatter``.

    Returns
    -------
    Axes
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"X must have shape (n, 2) to be drawn, got {X.shape}")
    options = {"edgecolors": "white", "linewidths": 0.6, "zorder": 3} | options
    for k, label in enumerate(np.unique(y)):
        here = y == label
        ax.scatter(
            X[here, 0],
            X[here, 1],
            s=size,
            color=COLORS[k % len(COLORS)],
            marker=MARKERS[k % len(MARKERS)],
            label=None if names is None else names[k],
            **options,
        )
    if names is not None:
        ax.legend()
    return ax


def decision_regions(ax, model, X, y, names=None, *, steps=300, margin=0.08):
    """Color the plane by what a classifier predicts, and scatter the samples on it.

    Parameters
    ----------
    ax : Axes
    model : estimator or callable
        Something with ``predict``, or a function, from (m, 2) to (m,) labels.
    X : ndarray (n, 2)
    y : ndarray (n,)
    names : sequence of str, optional
        Legend entry of each class.
    steps : int
        Grid points along each axis.
    margin : float
        Room around the samples, as a share of their range.

    Returns
    -------
    Axes
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    predict = getattr(model, "predict", model)
    low, high = X.min(axis=0), X.max(axis=0)
    room = margin * (high - low)
    U, V = np.meshgrid(*np.linspace(low - room, high + room, steps).T)
    labels = np.unique(y)
    Z = np.searchsorted(labels, predict(np.column_stack([U.ravel(), V.ravel()])))
    Z = Z.reshape(U.shape).astype(float)
    bounds = np.arange(len(labels) + 1) - 0.5
    colors = [COLORS[k % len(COLORS)] for k in range(len(labels))]
    ax.contourf(U, V, Z, bounds, cmap=ListedColormap(colors), alpha=0.22)
    ax.contour(U, V, Z, bounds[1:-1], colors="#444444", linewidths=1.0)
    ax.grid(False)
    return classes(ax, X, y, names)


def _spelled(options):
    """Return line options under their full names, ``linewidth`` for ``lw``."""
    return normalize_kwargs(options, Line2D)


def line(ax, w, b, **options):
    """Draw the line ``w[0]·x + w[1]·y + b = 0`` across the present limits.

    Parameters
    ----------
    ax : Axes
        Its limits are kept.
    w : array_like (2,)
        Not both zero.
    b : float
    **options
        Passed to ``ax.axline``.

    Returns
    -------
    Axes
    """
    w = np.asarray(w, dtype=float)
    if not w.any():
        raise ValueError("w is zero: there is no line to draw")
    limits = ax.axis()
    foot = -b * w / (w @ w)
    options = {"color": "#222222", "linewidth": 1.6, "zorder": 4} | _spelled(options)
    ax.axline(foot, (foot[0] - w[1], foot[1] + w[0]), **options)
    ax.axis(limits)
    return ax


def curves(ax, x, Y, label=None, *, band=True, **options):
    """Draw one curve, or the mean of several runs with a band of one deviation.

    Parameters
    ----------
    ax : Axes
    x : array_like (t,)
    Y : array_like (t,) or (runs, t)
        With two or more runs the band spans the sample standard deviation.
    label : str, optional
    band : bool
        Whether the band is drawn.
    **options
        Passed to ``ax.plot``.

    Returns
    -------
    Axes
    """
    Y = np.atleast_2d(np.asarray(Y, dtype=float))
    mean = Y.mean(axis=0)
    (drawn,) = ax.plot(x, mean, label=label, **options)
    if band and len(Y) > 1:
        spread = Y.std(axis=0, ddof=1)
        color = drawn.get_color()
        ax.fill_between(x, mean - spread, mean + spread, color=color, alpha=0.18, lw=0)
    if label is not None:
        ax.legend()
    return ax


def contour(ax, function, xlim, ylim, *, levels=14, log=False, steps=160, fill=True):
    """Draw the level lines of a function of two variables, a loss surface for one.

    Parameters
    ----------
    ax : Axes
    function : callable
        Maps two floats to one; it is called on each grid point.
    xlim, ylim : tuple of float
    levels : int or array_like
        Number of levels, or the levels.
    log : bool
        Whether the levels grow geometrically (the function must be positive).
    steps : int
        Grid points along each axis.
    fill : bool
        Whether the space between the lines is shaded, darker where lower.

    Returns
    -------
    Axes
    """
    u, v = np.linspace(*xlim, steps), np.linspace(*ylim, steps)
    Z = np.array([[function(a, b) for a in u] for b in v], dtype=float)
    norm = None
    if log:
        if Z.min() <= 0:
            raise ValueError("log levels need a positive function on the whole grid")
        norm = LogNorm(Z.min(), Z.max())
        if np.ndim(levels) == 0:
            levels = np.geomspace(Z.min(), Z.max(), levels)
    if fill:
        ax.contourf(u, v, Z, levels, cmap="Blues_r", norm=norm, alpha=0.55)
    ax.contour(u, v, Z, levels, colors="#5B7A95", linewidths=0.7, norm=norm)
    ax.set(xlim=xlim, ylim=ylim)
    ax.grid(False)
    return ax


def path(ax, points, label=None, *, every=1, **options):
    """Draw the path of an iteration over a contour plot, start and end marked.

    Parameters
    ----------
    ax : Axes
        Its limits are kept, so that a path that diverges leaves the picture.
    points : array_like (t, 2)
    label : str, optional
    every : int
        A marker at every so many steps.
    **options
        Passed to ``ax.plot``.

    Returns
    -------
    Axes
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"a path has shape (t, 2), got {points.shape}")
    limits = ax.axis()
    options = {"marker": "o", "markersize": 3.2, "linewidth": 1.3} | _spelled(options)
    (drawn,) = ax.plot(*points.T, label=label, markevery=every, zorder=4, **options)
    mark = {"color": drawn.get_color(), "zorder": 5, "linestyle": "none"}
    ax.plot(*points[0], marker="s", markersize=7, markeredgecolor="white", **mark)
    ax.plot(*points[-1], marker="*", markersize=12, markeredgecolor="white", **mark)
    ax.axis(limits)
    if label is not None:
        ax.legend()
    return ax


def heatmap(ax, M, rows=None, cols=None, *, fmt=None, cmap=None, bar=False, **options):
    """Draw a matrix as colored cells, with its numbers if a format is given.

    Parameters
    ----------
    ax : Axes
    M : array_like (r, c)
    rows, cols : sequence of str, optional
        Tick labels.
    fmt : str, optional
        Format of the numbers, ``".2f"`` for one; none are written by default.
    cmap : str or Colormap, optional
        White to blue by default.
    bar : bool
        Whether a color bar is drawn.
    **options
        Passed to ``ax.imshow``.

    Returns
    -------
    Axes
    """
    M = np.asarray(M)
    if M.ndim != 2:
        raise ValueError(f"a heat map needs a matrix, got shape {M.shape}")
    image = ax.imshow(M, cmap=BLUES if cmap is None else cmap, **options)
    for axis, labels in ((ax.yaxis, rows), (ax.xaxis, cols)):
        if labels is not None:
            axis.set_ticks(range(len(labels)), labels)
    if fmt is not None:
        for (i, j), value in np.ndenumerate(M):
            r, g, b, _ = image.cmap(image.norm(value))
            color = "black" if 0.299 * r + 0.587 * g + 0.114 * b > 0.55 else "white"
            text = format(value, fmt)
            ax.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    if bar:
        ax.figure.colorbar(image, ax=ax, shrink=0.85)
    return ax


def confusion(ax, y, y_hat, names):
    """Draw the confusion matrix: rows are true classes, columns predictions.

    Parameters
    ----------
    ax : Axes
    y, y_hat : array_like (n,)
        True and predicted labels.
    names : sequence of str
        One for each class, in the order of the sorted labels.

    Returns
    -------
    Axes
    """
    y, y_hat = np.asarray(y), np.asarray(y_hat)
    if y.shape != y_hat.shape:
        raise ValueError(f"y {y.shape} and y_hat {y_hat.shape} differ in shape")
    labels = np.unique(np.concatenate([y, y_hat]))
    if len(labels) != len(names):
        raise ValueError(f"{len(labels)} classes occur, {len(names)} names are given")
    M = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(M, (np.searchsorted(labels, y), np.searchsorted(labels, y_hat)), 1)
    heatmap(ax, M, names, names, fmt="d")
    ax.set(xlabel="predicted class", ylabel="true class")
    return ax


def image_grid(axes, images, titles=None, *, cmap="gray_r", **options):
    """Show images, one an `Axes`, without ticks.

    Parameters
    ----------
    axes : Axes or ndarray of Axes
        As ``figure(..., rows, cols)`` returns them; filled row by row, and those
        left over are emptied.
    images : sequence of ndarray (h, w) or (h, w, 3)
    titles : sequence of str, optional
    cmap : str
        Color map of gray images; dark ink on white by default.
    **options
        Passed to ``ax.imshow``, ``vmin`` and ``vmax`` for one.

    Returns
    -------
    Axes or ndarray of Axes
        `axes`.
    """
    places = np.atleast_1d(axes).ravel()
    if len(images) > len(places):
        raise ValueError(f"{len(images)} images do not fit {len(places)} axes")
    for k, ax in enumerate(places):
        ax.set_axis_off()
        if k < len(images):
            ax.imshow(images[k], cmap=cmap, **options)
            if titles is not None:
                ax.set_title(titles[k], fontsize=9, loc="center")
    return axes
