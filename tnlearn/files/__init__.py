"""Networks, plans, models and estimators on disk: one safe file each, and no pickle anywhere."""

from tnlearn.files.storing import load as load
from tnlearn.files.storing import save as save
