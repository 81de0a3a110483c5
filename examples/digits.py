"""Digits: a matrix product state learns 1,797 scanned digits inside a scikit-learn pipeline.

Claim: with only the bond dimension and a seed given, held-out accuracy is at least 0.975; a saved
model predicts the same after loading.
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

import tnlearn as tnl

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

model = tnl.MPSClassifier(bond_dimension=16, random_state=0, progress=True).fit(X_train, y_train)
accuracy = model.score(X_test, y_test)
print(classification_report(y_test, model.predict(X_test), digits=3))
print(f"held-out accuracy {accuracy:.4f} after {model.n_iter_} epochs")
assert accuracy >= 0.975

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.tnl"
    tnl.save(model, path)
    again = tnl.load(path)
assert np.array_equal(again.predict(X_test), model.predict(X_test))

# The least certain digit is where a person would look first.
certainty = model.predict_proba(X_test).max(axis=1)
worst = certainty.argmin()
guess = model.predict(X_test[[worst]])[0]
print(f"least certain: a {y_test[worst]}, read as {guess}, probability {certainty[worst]:.2f}")
