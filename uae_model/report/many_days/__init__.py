"""One self-contained HTML page about many days: what changed from day to day, and what happened on which.

``collect_days`` reads the tables into plain ``ManyDays``; ``render_days`` turns those into the page.
"""

from uae_model.report.many_days.collect import collect_days
from uae_model.report.many_days.facts import ManyDays
from uae_model.report.many_days.page import render_days

__all__ = ["ManyDays", "collect_days", "render_days"]
