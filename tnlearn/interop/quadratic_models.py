"""Ising models to and from the binary quadratic models of dimod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tnlearn.errors import DataTypeError
from tnlearn.physics import Ising
from tnlearn.physics.quadratic import quadratic_model

if TYPE_CHECKING:
    import dimod


def from_bqm(bqm: dimod.BinaryQuadraticModel, beta: float = 1.0) -> tuple[Ising, float]:
    """The Ising model of a binary quadratic model, and the constant between their energies.

    Parameters
    ----------
    bqm : dimod.BinaryQuadraticModel
        Of spins or of bits; bits x = (1 + s) / 2 become spins.
    beta : float
        Inverse temperature of the model.

    Returns
    -------
    Ising, float
        ``bqm.energy(sample) == model.energy(states) + offset`` for all states; the sites are the
        variables, in their order. Of spins J and h are the biases with the other sign. Of bits
        they are sums of halves and quarters of them, rounded once.

    Raises
    ------
    DataTypeError
        If it is none.
    ModelError
        If it has no variables, or a bias that is not finite.
    """
    kind = getattr(getattr(bqm, "vartype", None), "name", None)
    if kind not in ("SPIN", "BINARY") or not hasattr(bqm, "iter_quadratic"):
        raise DataTypeError(
            f"a {type(bqm).__name__} is no binary quadratic model of dimod: give spins or bits"
        )
    # Floats of Python, whatever the model computes in.
    linear = {name: float(value) for name, value in bqm.linear.items()}
    products = {(a, b): float(value) for a, b, value in bqm.iter_quadratic()}
    model, offset = quadratic_model(linear, products, bits=kind == "BINARY", beta=beta)
    return model, offset + float(bqm.offset)


def to_bqm(model: Ising) -> dimod.BinaryQuadraticModel:
    """The binary quadratic model of spins with the energies of an Ising model.

    Parameters
    ----------
    model : Ising
        Its inverse temperature is not in the result: energies are in units of energy.

    Returns
    -------
    dimod.BinaryQuadraticModel
        Biases are couplings and fields with the other sign, the offset is 0.

    Raises
    ------
    ImportError
        If dimod is not installed.
    """
    if not isinstance(model, Ising):
        raise DataTypeError(
            f"a binary quadratic model needs an Ising model, not a {type(model).__name__}"
        )
    try:
        import dimod
    except ImportError:
        raise ImportError(
            "No module named 'dimod'; pip install 'tnlearn-engine[interop]'"
        ) from None
    # Fields first, so that the variables have the order of the sites.
    bqm = dimod.BinaryQuadraticModel(dimod.SPIN)
    bqm.add_linear_from({site: -field for site, field in model.fields.items()})
    bqm.add_quadratic_from({edge: -coupling for edge, coupling in model.couplings.items()})
    return bqm
