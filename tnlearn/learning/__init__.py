"""Models that learn from data, as scikit-learn estimators."""

from tnlearn.learning.gaussian_rbm import GaussianRBM as GaussianRBM
from tnlearn.learning.mps_classifier import MPSClassifier as MPSClassifier
from tnlearn.learning.rbm import RBM as RBM
