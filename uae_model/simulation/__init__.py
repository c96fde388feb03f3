"""Simulated plays whose attention, propensity and relevance are known.

``world`` holds the parameters, ``catalog`` and ``traits`` what the service, its users and songs are like,
``setting`` draws sessions, ``attention`` who attends and acts in them, ``listening`` the plays that follow,
``calibrate`` fits the parameters of feedback to what a world aims at, by default the paper's figures, and
``feed`` turns plays into feed rows with the defects of real deliveries. Nothing here imports Spark.
"""
