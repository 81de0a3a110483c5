"""How a classifier was trained, and what it takes for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from tnlearn.errors import DataError

#: Okabe and Ito's blue and vermilion, which differ for any colour vision, and a grey for text.
BLUE, VERMILION, INK = "#0072B2", "#D55E00", "#333333"

#: A loss that falls by more than this factor is drawn on a logarithmic axis.
LARGEST_LINEAR_FALL = 100.0
#: Up to this many classes, the counts are written into a confusion matrix.
MOST_COUNTED = 30


def plot_training(
    loss_curve: npt.ArrayLike,
    validation_scores: npt.ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the training loss of every epoch and, on an axis of its own, the held-out accuracy.

    Parameters
    ----------
    loss_curve : array_like, shape (n_epochs,)
        Mean training loss, such as ``loss_curve_`` of an estimator. The axis is logarithmic if
        the losses are positive and fall by a factor of over 100.
    validation_scores : array_like, shape (n_epochs,), optional
        Accuracies in [0, 1], such as ``validation_scores_``; none if empty. The best epoch is
        marked: early stopping keeps its parameters.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure of 1920 x 1080 that pyplot does not know of:
        ``plot_training(losses).figure.savefig("training.png")``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the loss.

    Raises
    ------
    DataError
        If there are no losses, or not as many scores as losses.
    """
    losses = _curve(loss_curve, "loss_curve")
    scores = None
    if validation_scores is not None and np.size(validation_scores):
        scores = _curve(validation_scores, "validation_scores")
        if len(scores) != len(losses):
            raise DataError(f"there are {len(scores)} validation_scores for {len(losses)} epochs")
    ax = _new_axes() if ax is None else ax
    epochs = np.arange(1, len(losses) + 1)
    label = f"training loss, {losses[-1]:.3g} in the end"
    ax.plot(epochs, losses, ".-", color=BLUE, linewidth=1.5, markersize=4, label=label)
    ax.set(xlabel="epoch", ylabel="training loss", xlim=(0.5, len(losses) + 0.5))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    if losses.min() > 0 and losses.max() > LARGEST_LINEAR_FALL * losses.min():
        ax.set_yscale("log")
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if scores is None:
        ax.legend(frameon=False)
    else:
        _add_scores(ax, epochs, scores)
    return ax


def plot_confusion(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    classes: Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a confusion matrix: how many samples of each class were taken for which.

    Right answers are blue and wrong ones orange, the darker the larger their share of the class
    (wrong ones by its square root, since they are few). Zeros are left blank.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n_samples,)
        The class of each sample, and the one it was taken for.
    classes : sequence, optional
        The classes in the order of rows and columns, such as ``classes_``; by default all that
        are there, sorted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure of 1920 x 1080 that pyplot does not know of.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If there are no samples, not as many answers as samples, a class is given twice, or a
        sample is of none of them.
    """
    counts, names = _counted(np.asarray(y_true), np.asarray(y_pred), classes)
    ax = _new_axes() if ax is None else ax
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right, empty = np.eye(len(counts), dtype=bool), counts == 0
    for map_, drawn, hidden in (("Blues", shares, ~right), ("Oranges", np.sqrt(shares), right)):
        ax.imshow(np.ma.masked_array(drawn, hidden | empty), cmap=map_, vmin=-0.2, vmax=1.1)
    if len(counts) <= MOST_COUNTED:
        _write_counts(ax, counts, shares)
    _name_cells(ax, names)
    total, correct = int(counts.sum()), int(counts.trace())
    title = f"{correct:,} of {total:,} right: accuracy {correct / total:.3f}"
    ax.set(xlabel="predicted", ylabel="true", title=title)
    return ax


def _new_axes() -> Axes:
    """Axes in a figure of 1920 x 1080 whose letters are large enough for a screen."""
    figure = Figure(
        figsize=(9.6, 5.4), dpi=200, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1)
    )
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def _curve(given: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    curve = np.asarray(given, dtype=np.float64)
    if curve.ndim != 1 or not len(curve):
        raise DataError(f"{name} needs a number for each epoch: its shape is {curve.shape}")
    return curve


def _add_scores(ax: Axes, epochs: npt.NDArray[Any], scores: npt.NDArray[np.float64]) -> None:
    twin = ax.twinx()
    best = int(scores.argmax())
    twin.plot(epochs, scores, color=VERMILION, linewidth=1.5, label="held-out accuracy")
    label = f"best: {scores[best]:.3f} in epoch {epochs[best]}"
    twin.plot(epochs[best], scores[best], "D", color=VERMILION, label=label)
    twin.set_ylabel("held-out accuracy", color=VERMILION)
    ax.yaxis.label.set_color(BLUE)
    twin.spines["top"].set_visible(False)
    twin.legend(handles=[*ax.get_lines(), *twin.get_lines()], loc="center right", frameon=False)


def _counted(
    true: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: Sequence[Any] | None
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The confusion matrix, rows for the true classes, and what the classes are called."""
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise DataError(
            "y_true and y_pred need a class for each sample: their shapes are "
            f"{true.shape} and {predicted.shape}"
        )
    found, inverse = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    labels = found.tolist()
    names = labels if classes is None else np.asarray(classes).tolist()
    position = {name: k for k, name in enumerate(names)}
    if len(position) < len(names):
        raise DataError(f"a class is given twice: {names}")
    if strange := [label for label in labels if label not in position]:
        raise DataError(f"class {strange[0]!r} is not one of those given: {names}")
    rows, columns = np.array([position[label] for label in labels])[inverse].reshape(2, -1)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts, [str(name) for name in names]


def _write_counts(ax: Axes, counts: npt.NDArray[np.int64], shares: npt.NDArray[Any]) -> None:
    digits = max(2, len(str(counts.max())))
    size = float(np.clip(400 / (len(counts) * digits), 4, 11))
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = shares[row, column] > (0.5 if row == column else 0.3)
        style: dict[str, Any] = {"color": "white" if dark else INK, "fontsize": size}
        ax.text(column, row, f"{counts[row, column]}", ha="center", va="center", **style)


def _name_cells(ax: Axes, names: list[str]) -> None:
    places, edges = range(len(names)), np.arange(len(names) + 1) - 0.5
    size = float(np.clip(200 / len(names), 3, 10))
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    style = turned if max(map(len, names)) > 3 else {}
    ax.set_xticks(places, names, fontsize=size, **style)
    ax.set_yticks(places, names, fontsize=size)
    ax.set_xticks(edges, minor=True)
    ax.set_yticks(edges, minor=True)
    ax.grid(which="minor", color="0.85", linewidth=0.5)
    ax.tick_params(which="both", length=0)
