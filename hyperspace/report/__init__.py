"""`hyperspace report`: everything about a study in one HTML file that needs no network."""

from hyperspace.report.document import render_report, write_report

__all__ = ["render_report", "write_report"]
