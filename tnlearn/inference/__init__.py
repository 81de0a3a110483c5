"""Questions asked of any model or network: log Z, marginals, samples."""

from tnlearn.inference.marginals import marginals as marginals
from tnlearn.inference.partition import LogPartition as LogPartition
from tnlearn.inference.partition import log_partition as log_partition
from tnlearn.inference.sampling import sample as sample
