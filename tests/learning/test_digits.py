"""The promise of the README: digits, with nothing given but the bond dimension and a seed."""

from __future__ import annotations

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tnlearn import MPSClassifier


def test_digits() -> None:
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=0
    )
    model = MPSClassifier(bond_dimension=20, random_state=0).fit(train_x, train_y)
    assert model.score(test_x, test_y) >= 0.975
