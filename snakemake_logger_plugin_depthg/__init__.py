"""The logger that Snakemake finds under this name (`snakemake --logger depthg`, as the default profile says).

Snakemake looks for top-level packages of such names, and imports them at every start.
"""

from depthg.report.terminal.handler import LogHandler

__all__ = ["LogHandler"]
