"""The matrix product state: scores by brute force, gradients by differences, and long chains."""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from tnlearn import MPSClassifier
from tnlearn.learning.features import FEATURE_MAPS, SiteFeatures
from tnlearn.learning.losses import LOSSES
from tnlearn.learning.mps_model import (
    MPSParameters,
    initial_deviation,
    mps_network,
    mps_program,
    mps_scores,
    site_shapes,
)
from tnlearn.learning.settings import Settings
from tnlearn.learning.training import Objective

Array: TypeAlias = np.ndarray[Any, Any]

MAPS = sorted(FEATURE_MAPS)
SITES = [1, 2, 3, 6]
PIXELS = 28 * 28


def settings(**parameters: Any) -> Settings:
    return Settings.checked(MPSClassifier(**parameters).get_params())


def random_data(sites: int, samples: int = 7, labels: int = 3) -> tuple[Array, Array]:
    generator = np.random.default_rng(sites)
    targets = np.eye(labels)[generator.integers(labels, size=samples)]
    return generator.normal(size=(samples, sites)), targets


def score_by_brute_force(tensors: list[Array], psi: Array) -> Array:
    """Scores of one sample, psi of shape (n_sites, d): the sum over all values of all indices."""
    sites, d = psi.shape
    total: Array = np.zeros(())
    for chosen in product(range(d), repeat=sites):
        term: Array = np.ones((1, 1))
        for site, s in enumerate(chosen):
            matrix = tensors[site][s] if site == 0 else tensors[site][:, s]
            if site == 0:
                matrix = matrix[None]
            if site == sites - 1:
                matrix = matrix[..., None]
            # Axes so far: (1, [label,] bond); the middle matrix brings the label.
            term = np.tensordot(term, matrix, axes=1) * psi[site, s]
        total = total + term.reshape(-1)
    return total


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("sites", SITES)
def test_scores_are_the_sum_over_all_indices(sites: int, d: int) -> None:
    generator = np.random.default_rng(d)
    tensors = [generator.normal(size=shape) for shape in site_shapes(sites, d, 4, 3)]
    psi = generator.normal(size=(sites, 5, d))
    expected = [score_by_brute_force(tensors, psi[:, k]) for k in range(5)]
    assert np.allclose(mps_scores(tensors, psi, "numpy"), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("sites", SITES)
def test_gradient_against_differences(sites: int, name: str, loss: str) -> None:
    x, targets = random_data(sites)
    psi = SiteFeatures.fit(x, name, 2)(x)
    shapes = site_shapes(sites, psi.shape[2], 2, 3)
    parameters = MPSParameters(shapes, 0.5, np.random.default_rng(0), "float64")
    objective = Objective(parameters, settings(loss=loss))
    gradient = objective(psi, targets)[1].copy()
    assert np.abs(gradient).max() > 1e-3
    for k, entry in enumerate(parameters.vector):
        values = []
        for step in (1e-5, -1e-5):
            parameters.vector[k] = entry + step
            parameters.spread()
            values.append(objective(psi, targets)[0])
        parameters.vector[k] = entry
        assert gradient[k] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("sites", SITES)
def test_slices_that_read_the_one_are_the_identity(sites: int) -> None:
    shapes = site_shapes(sites, 3, 4, 5)
    parameters = MPSParameters(shapes, 0.01, np.random.default_rng(0))
    parameters.vector[:] = 7
    parameters.spread()
    for site, tensor in enumerate(parameters.tensors):
        if site == sites // 2:
            assert np.all(tensor == 7)
            continue
        one, others = (tensor[0], tensor[1:]) if site == 0 else (tensor[:, 0], tensor[:, 1:])
        end = site in (0, sites - 1)
        assert np.array_equal(one, np.eye(4)[0] if end else np.eye(4))
        assert np.all(others == 7)
    free = sum(tensor.size for tensor in parameters.tensors) * 2 / 3
    free += parameters.tensors[sites // 2].size / 3
    assert parameters.vector.size == round(free)


def test_gathered_is_the_reverse_of_spread() -> None:
    parameters = MPSParameters(site_shapes(5, 3, 4, 2), 0.01, np.random.default_rng(0))
    assert np.array_equal(parameters.gathered(parameters.tensors), parameters.vector)


def test_mean_sample_is_scored_by_the_middle_tensor_alone() -> None:
    shapes = site_shapes(9, 2, 4, 3)
    parameters = MPSParameters(shapes, 1.0, np.random.default_rng(0))
    psi = np.zeros((9, 1, 2))
    psi[..., 0] = 1
    middle = parameters.tensors[4]
    assert np.allclose(mps_scores(parameters.tensors, psi, "numpy"), middle[0, 0, :, 0])


def test_programs_are_compiled_once_for_all_models_of_a_size() -> None:
    shapes = tuple(site_shapes(4, 2, 3, 2))
    assert mps_program(shapes, "float64", "numpy") is mps_program(shapes, "float64", "numpy")
    assert mps_program(shapes, "float64", "numpy").dtype == "float64"
    assert mps_program(shapes, "float32", "numpy").dtype == "float32"


def test_network_names_sites_and_features() -> None:
    tensors = [np.ones(shape) for shape in site_shapes(3, 2, 4, 5)]
    network = mps_network(tensors, np.ones((3, 6, 2)))
    assert network.names == tuple(f"{kind} {k}" for kind in ("site", "feature") for k in range(3))
    assert network.output == ("batch", "label")


def pictures(kind: str, samples: int = 64) -> Array:
    """Data of 784 columns: as independent, and as dependent, as they can be."""
    generator = np.random.default_rng(0)
    if kind == "digits":
        digits = load_digits().images[:samples]
        return np.stack([zoom(image, 3.5, order=1).ravel() for image in digits])
    if kind == "uniform":
        return generator.random((samples, PIXELS))
    if kind == "independent bits":
        return np.round(generator.random((samples, PIXELS)))
    bits = np.round(generator.random((samples, 1)))
    return np.repeat(bits, PIXELS, axis=1)


PICTURES = ["digits", "uniform", "independent bits", "one bit"]


@pytest.mark.parametrize("bond", [4, 24])
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("kind", PICTURES)
def test_at_784_sites_nothing_vanishes_or_explodes(kind: str, name: str, bond: int) -> None:
    """At the start scores are small, and the gradients of all sites are of one order."""
    x = pictures(kind)
    psi = SiteFeatures.fit(x, name, 3)(x, "float32")
    shapes = site_shapes(PIXELS, psi.shape[2], bond, 10)
    deviation = initial_deviation(psi, bond)
    assert 0.002 < deviation <= 0.01
    parameters = MPSParameters(shapes, deviation, np.random.default_rng(1))
    scores = mps_scores(parameters.tensors, psi, "numpy")
    assert 0.5 * deviation < scores.std() < 4 * deviation
    assert np.abs(scores).max() < 0.15
    targets = np.eye(10, dtype=np.float32)[np.arange(64) % 10]
    value, gradient = Objective(parameters, settings())(psi, targets)
    assert value == pytest.approx(np.log(10), abs=0.01)
    assert 0.03 < np.linalg.norm(gradient) < 1
    trained = np.ptp(x, axis=0) > 0
    trained[PIXELS // 2] = False  # the label's tensor sees more: all of it is trained
    norms = norms_by_site(parameters, gradient)[trained]
    assert norms.min() > np.median(norms) / 10
    assert norms.max() < np.median(norms) * 10


@pytest.mark.parametrize("bond", [2, 50])
def test_chains_of_any_length_start_with_vectors_of_one_order(bond: int) -> None:
    generator = np.random.default_rng(0)
    psi = np.concatenate([np.ones((4000, 3, 1)), generator.normal(size=(4000, 3, 2))], axis=2)
    deviation = initial_deviation(psi, bond)
    lengths = []
    for _ in range(4):
        vector = np.eye(bond)[0]
        for site in range(4000):
            matrices = deviation * generator.standard_normal((2, bond, bond))
            vector = vector + (vector @ matrices).T @ psi[site, 0, 1:]
        lengths.append(np.linalg.norm(vector))
    assert 0.2 < min(lengths) < max(lengths) < 8


def test_features_that_say_nothing_start_like_others() -> None:
    psi = np.ones((5, 4, 2))
    assert initial_deviation(psi, 10) == pytest.approx(0.01)
    psi[..., 1] = 0
    assert initial_deviation(psi, 10) == 0.01


def norms_by_site(parameters: MPSParameters, gradient: Array) -> Array:
    middle = len(parameters.tensors) // 2
    sizes = [
        tensor.size if site == middle else tensor[1:].size if site == 0 else tensor[:, 1:].size
        for site, tensor in enumerate(parameters.tensors)
    ]
    return np.array([np.linalg.norm(g) for g in np.split(gradient, np.cumsum(sizes)[:-1])])


@pytest.mark.parametrize(
    ("name", "loss"), [*product(MAPS, ["cross_entropy"]), ("trigonometric", "squared")]
)
def test_training_at_784_sites_lowers_the_loss(name: str, loss: str) -> None:
    x, y = pictures("digits", 128), load_digits().target[:128]
    model = MPSClassifier(
        6, feature_map=name, loss=loss, epochs=4, batch_size=32, random_state=0
    ).fit(x, y)
    assert np.all(np.isfinite(model.loss_curve_))
    assert model.loss_curve_[-1] < 0.97 * model.loss_curve_[0]


@pytest.mark.parametrize("kind", PICTURES[1:])
def test_training_on_noise_at_784_sites_stays_finite(kind: str) -> None:
    x = pictures(kind, 96)
    y = np.arange(96) % 4
    model = MPSClassifier(6, epochs=3, batch_size=32, random_state=0).fit(x, y)
    assert max(model.loss_curve_) < 1.5 * np.log(4)
    assert np.all(np.isfinite(model.decision_function(x)))
