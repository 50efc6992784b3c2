"""`hyperspace report`: a report on a study in one self-contained HTML file."""

from hyperspace.report.document import render_report, write_report

__all__ = ["render_report", "write_report"]
