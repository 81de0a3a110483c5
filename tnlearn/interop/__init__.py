"""Models to and from other libraries, which need not be installed."""

from tnlearn.interop.quadratic_models import from_bqm as from_bqm
from tnlearn.interop.quadratic_models import to_bqm as to_bqm
