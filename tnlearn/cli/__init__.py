"""The command line: ``tnlearn tour`` and ``tnlearn info``."""

from tnlearn.cli.main import main as main
