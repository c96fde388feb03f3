"""Recommenders that are trained on weighted plays: the paper's seven base models (torch-rechub), one loop.

torch only, no Spark. ``fields`` turns features into embedding indices, ``models`` builds the base models,
``samples`` holds encoded plays in memory, ``training`` is the loop of Eq. 18.
"""
