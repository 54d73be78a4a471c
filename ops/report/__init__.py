"""What a finished run is worth: skill, regimes, flags; as a page, a text and data.

Everything is computed in passes over the run's Parquet parts, in memory that grows with the
number of assets and not with the length of the history.
"""

from ops.report.compare import Comparison, compare_runs
from ops.report.write import NoReportError, write_report

__all__ = ["Comparison", "NoReportError", "compare_runs", "write_report"]
