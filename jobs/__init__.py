"""One entry per step, for `uae STEP` and for `spark-submit jobs/STEP.py`: parse, read, call, write."""
