"""A finding as one HTML page that needs nothing from outside."""

from ionwidgets.discovery.report.page import write_report

__all__ = ["write_report"]
