"""One HTML file that shows a run: what went in, what came out, and what was not as it should be."""

from lrhdr_engines.report.html_report import HtmlReport

__all__ = ["HtmlReport"]
