"""One entry per step, for `uae STEP` and for `spark-submit jobs/STEP.py`; each only parses, reads, calls, writes."""
