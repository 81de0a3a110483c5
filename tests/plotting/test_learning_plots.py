"""Pictures of training and of confusion: they show the numbers they were given."""

from __future__ import annotations

import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from tnlearn.errors import DataError
from tnlearn.plotting import plot_confusion, plot_training


def answers(size=500, classes=7, seed=0):
    generator = np.random.default_rng(seed)
    true = generator.integers(0, classes, size)
    guessed = generator.integers(0, classes, size)
    return true, np.where(generator.random(size) < 0.7, true, guessed)


def counts_in(ax, size):
    """The matrix that is written into the cells; blank ones are zero."""
    written = np.zeros((size, size), dtype=int)
    for text in ax.texts:
        column, row = map(int, text.get_position())
        written[row, column] = int(text.get_text())
    return written


def names(ticks):
    return [text.get_text() for text in ticks]


def test_the_curve_is_the_losses():
    losses = [2.0, 1.0, 0.5, 0.4567]
    ax = plot_training(losses)
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), list(enumerate(losses, start=1)))
    assert ax.get_legend().get_texts()[0].get_text() == "training loss, 0.457 in the end"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "training loss")


def test_the_scores_have_an_axis_of_their_own_and_the_first_best_is_marked():
    ax = plot_training([3, 2, 1, 1], [0.5, 0.9, 0.7, 0.9])
    (twin,) = [other for other in ax.figure.axes if other is not ax]
    curve, best = twin.get_lines()
    np.testing.assert_array_equal(curve.get_ydata(), [0.5, 0.9, 0.7, 0.9])
    np.testing.assert_array_equal(best.get_xydata(), [(2, 0.9)])
    legend = [text.get_text() for text in twin.get_legend().get_texts()]
    assert legend == ["training loss, 1 in the end", "held-out accuracy", "best: 0.900 in epoch 2"]


@pytest.mark.parametrize("scores", [None, []])
def test_without_scores_there_is_one_axis(scores):
    assert len(plot_training([1.0, 0.5], scores).figure.axes) == 1


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([100, 1.1], "linear"), ([100, 0.9], "log"), ([100, 0], "linear"), ([1, np.nan], "linear")],
)
def test_a_long_fall_is_drawn_on_a_logarithmic_axis(losses, scale):
    assert plot_training(losses).get_yscale() == scale


@pytest.mark.parametrize("epochs", [1, 2, 7, 96])
def test_epochs_are_counted_in_whole_numbers_from_one(epochs):
    ax = plot_training(np.linspace(2, 1, epochs))
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) and 1 <= tick <= epochs for tick in ticks)


def test_bad_curves_are_refused():
    with pytest.raises(DataError, match=r"loss_curve needs a number for each epoch: .* \(0,\)"):
        plot_training([])
    with pytest.raises(DataError, match=r"validation_scores needs a number .* \(1, 2\)"):
        plot_training([1, 2], [[1, 2]])
    with pytest.raises(DataError, match="there are 2 validation_scores for 3 epochs"):
        plot_training([1, 2, 3], [1, 2])


def test_the_counts_are_those_of_scikit_learn():
    true, predicted = answers()
    ax = plot_confusion(true, predicted)
    expected = confusion_matrix(true, predicted)
    np.testing.assert_array_equal(counts_in(ax, 7), expected)
    right = expected.trace()
    assert ax.get_title() == f"{right} of 500 right: accuracy {right / 500:.3f}"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


def test_rows_are_the_true_classes():
    assert counts_in(plot_confusion([0, 0, 1], [1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]


def test_right_and_wrong_have_colours_of_their_own_that_tell_the_share():
    right, wrong = plot_confusion([0, 0, 0, 0, 1], [0, 1, 0, 0, 1]).images
    assert (right.get_cmap().name, wrong.get_cmap().name) == ("Blues", "Oranges")
    np.testing.assert_allclose(right.get_array().filled(-1), [[0.75, -1], [-1, 1]])
    np.testing.assert_allclose(wrong.get_array().filled(-1), [[-1, 0.5], [-1, -1]])


def test_classes_give_order_and_names():
    ax = plot_confusion(["cat", "dog"], ["cat", "cat"], classes=["dog", "cat", "emu"])
    assert counts_in(ax, 3).tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert names(ax.get_xticklabels()) == names(ax.get_yticklabels()) == ["dog", "cat", "emu"]


def test_many_classes_are_drawn_without_counts():
    assert len(plot_confusion(range(30), range(30)).texts) == 30
    assert len(plot_confusion(range(31), range(31)).texts) == 0


def test_counts_fit_into_their_cells():
    true, predicted = answers(100_000, 10)
    ax = plot_confusion(true, predicted)
    ax.figure.canvas.draw()
    (left, _), (right, _) = ax.transData.transform([(0, 0), (1, 0)])
    assert max(text.get_window_extent().width for text in ax.texts) < right - left


def test_bad_answers_are_refused():
    with pytest.raises(DataError, match=r"their shapes are \(0,\) and \(0,\)"):
        plot_confusion([], [])
    with pytest.raises(DataError, match=r"their shapes are \(2,\) and \(3,\)"):
        plot_confusion([0, 1], [0, 1, 1])
    with pytest.raises(DataError, match="class 'b' is not one of those given"):
        plot_confusion(["a"], ["b"], classes=["a"])
    with pytest.raises(DataError, match="a class is given twice"):
        plot_confusion(["a"], ["a"], classes=["a", "a"])


@pytest.mark.parametrize("draw", [plot_training, plot_confusion])
def test_axes_that_are_given_are_drawn_into(draw):
    first, second = Figure().subplots(1, 2)
    assert draw([1, 0], [1, 1], ax=second) is second
    assert not first.has_data()


@pytest.mark.parametrize("draw", [plot_training, plot_confusion])
def test_a_figure_of_its_own_has_the_size_of_a_screen(draw, tmp_path):
    draw([1, 0], [1, 1]).figure.savefig(tmp_path / "figure.png")
    assert matplotlib.image.imread(tmp_path / "figure.png").shape[:2] == (1080, 1920)


def test_pyplot_and_its_global_state_stay_away():
    script = (
        "import sys; from tnlearn.plotting import plot_confusion, plot_training\n"
        "plot_training([1, 0.5], [0.5, 1]); plot_confusion([0, 1], [1, 1])\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
