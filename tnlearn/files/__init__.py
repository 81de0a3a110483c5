"""Networks, plans, models and estimators on disk: one safe file each, and no pickle anywhere.

Models in the formats of other programs are read too.
"""

from tnlearn.files.reading import read as read
from tnlearn.files.reading import read_evidence as read_evidence
from tnlearn.files.reading import write as write
from tnlearn.files.storing import load as load
from tnlearn.files.storing import save as save
