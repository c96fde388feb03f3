"""One self-contained HTML page about a published day: plays, weights, models, quarantine, truth.

``collect`` reads tables and registry into plain ``ReportFacts``; ``render`` turns those into the page.
"""

from uae_model.report.collect import collect
from uae_model.report.facts import ReportFacts
from uae_model.report.page import render

__all__ = ["ReportFacts", "collect", "render"]
