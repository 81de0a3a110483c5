"""Models that learn from data, as scikit-learn estimators."""

from tnlearn.learning.mps_classifier import MPSClassifier as MPSClassifier
from tnlearn.learning.rbm import RBM as RBM
