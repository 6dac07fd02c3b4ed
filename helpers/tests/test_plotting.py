"""The plots draw what they are given, and refuse what they cannot draw."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from helpers import plotting

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = np.repeat([0, 1, 2], 10)


@pytest.fixture
def ax():
    with plt.style.context("default"):
        plotting.use_book_style()
        fig, ax = plotting.figure("single")
        yield ax
        fig.canvas.draw()
        plt.close(fig)


def test_every_color_has_a_second_cue():
    with plt.style.context("default"):
        plotting.use_book_style()
        cycle = list(plt.rcParams["axes.prop_cycle"])
    assert [item["color"] for item in cycle] == list(plotting.COLORS)
    assert len({str(item["linestyle"]) for item in cycle}) == len(cycle)
    assert len(set(plotting.MARKERS)) == len(plotting.MARKERS)


def test_four_sizes_and_no_more():
    assert len(plotting.SIZES) == 4
    with pytest.raises(ValueError, match="'huge' is none of single, wide"):
        plotting.figure("huge")


def test_classes_draws_each_class_once(ax):
    assert plotting.classes(ax, X, Y, ["a", "b", "c"]) is ax
    assert [len(c.get_offsets()) for c in ax.collections] == [10, 10, 10]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        plotting.classes(ax, np.ones((3, 3)), [0, 1, 2])


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"]])
def test_decision_regions_fills_the_plane_by_prediction(ax, labels):
    y = np.repeat(labels, 10)
    asked = []

    def predict(points):
        asked.append(points)
        return np.array(labels)[np.digitize(points[:, 0], [-0.5, 0.5])]

    assert plotting.decision_regions(ax, predict, X, y, steps=40) is ax
    assert asked[0].shape == (1600, 2)
    assert (asked[0].min(axis=0) < X.min(axis=0)).all()
    filled = ax.collections[0].get_facecolors()
    expected = [matplotlib.colors.to_rgb(c) for c in plotting.COLORS[:3]]
    np.testing.assert_allclose(filled[:, :3], expected, atol=1e-6)


def test_line_passes_through_its_zeros_and_keeps_the_limits(ax):
    ax.set(xlim=(-1, 3), ylim=(-2, 2))
    plotting.line(ax, (2.0, -1.0), 3.0)
    (drawn,) = ax.lines
    for x, y in (drawn.get_xy1(), drawn.get_xy2()):
        assert 2 * x - y + 3 == pytest.approx(0)
    assert ax.axis() == (-1, 3, -2, 2)
    with pytest.raises(ValueError, match="no line to draw"):
        plotting.line(ax, (0, 0), 1)


def test_curves_draws_mean_and_band(ax):
    runs = np.array([[1.0, 2.0], [3.0, 6.0]])
    plotting.curves(ax, [0, 1], runs, "runs")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2, 4])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(4 + np.sqrt(8))
    plotting.curves(ax, [0, 1], runs[0])
    assert len(ax.collections) == 1


def test_contour_and_path(ax):
    def bowl(u, v):
        return u**2 + 10 * v**2 + 0.1

    plotting.contour(ax, bowl, (-2, 2), (-1, 1), steps=30, log=True)
    plotting.path(ax, [[1, 1], [0, 0.5], [50, 50]], "diverges", lw=0.5, c="k")
    assert ax.lines[0].get_linewidth() == 0.5
    assert ax.axis() == (-2, 2, -1, 1)
    with pytest.raises(ValueError, match=r"shape \(t, 2\)"):
        plotting.path(ax, np.ones((3, 3)))
    with pytest.raises(ValueError, match="positive function"):
        plotting.contour(ax, lambda u, v: u, (-1, 1), (-1, 1), steps=5, log=True)


def test_heatmap_writes_its_numbers_legibly(ax):
    plotting.heatmap(ax, [[0.0, 1.0]], ["r"], ["a", "b"], fmt=".1f", bar=True)
    assert [t.get_text() for t in ax.texts] == ["0.0", "1.0"]
    assert [t.get_color() for t in ax.texts] == ["black", "white"]
    with pytest.raises(ValueError, match="needs a matrix"):
        plotting.heatmap(ax, np.ones(3))


def test_confusion_counts(ax):
    plotting.confusion(ax, [0, 0, 1, 1], [0, 1, 1, 1], ["no", "yes"])
    assert [t.get_text() for t in ax.texts] == ["1", "1", "0", "2"]
    with pytest.raises(ValueError, match="2 classes occur, 3 names"):
        plotting.confusion(ax, [0, 1], [0, 1], ["a", "b", "c"])
    with pytest.raises(ValueError, match="differ in shape"):
        plotting.confusion(ax, [0, 1], [0], ["a", "b"])


def test_image_grid_fills_row_by_row_and_empties_the_rest():
    fig, axes = plotting.figure("wide", 2, 2)
    images = [np.full((3, 3), k) for k in range(3)]
    plotting.image_grid(axes, images, ["a", "b", "c"])
    assert [len(ax.images) for ax in axes.ravel()] == [1, 1, 1, 0]
    with pytest.raises(ValueError, match="3 images do not fit 1 axes"):
        plotting.image_grid(axes[0, 0], images)
    plt.close(fig)
