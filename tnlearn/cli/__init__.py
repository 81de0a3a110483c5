"""The command line: ``tnlearn tour``, ``tnlearn info`` and ``tnlearn calibrate``."""

from tnlearn.cli.main import main as main
