"""Simulated plays whose attention, propensity and relevance are known.

``world`` holds the parameters, ``catalog`` and ``traits`` what the service, its users and songs are like,
``listening`` draws sessions, ``calibrate`` fits the parameters of feedback to the paper's figures, ``feed``
turns sessions into feed rows with the defects of real deliveries. Nothing here imports Spark.
"""
