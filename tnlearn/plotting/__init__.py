"""Pictures of what was learned; those of networks are drawn by `TensorNetwork.draw`."""

from tnlearn.plotting.learning import plot_confusion as plot_confusion
from tnlearn.plotting.learning import plot_training as plot_training
