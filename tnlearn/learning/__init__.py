"""Models that learn from data, as scikit-learn estimators."""

from tnlearn.learning.gaussian_rbm import GaussianRBM as GaussianRBM
from tnlearn.learning.inverse import Fit as Fit
from tnlearn.learning.inverse import fit as fit
from tnlearn.learning.mps_classifier import MPSClassifier as MPSClassifier
from tnlearn.learning.rbm import RBM as RBM
