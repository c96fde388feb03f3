"""What the weights do to a recommender: base models x weightings x seeds, judged by named labels.

torch and numpy, no Spark. ``plays`` holds the data, ``attention`` trains the estimators, ``weight_rules``
turns their attention into weights, ``trials`` trains and judges one base model, ``grid`` runs what is
missing, ``comparison`` and ``tables`` say what came out.
"""
