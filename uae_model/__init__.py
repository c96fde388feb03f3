"""User attention estimation (UAE, ICDE 2024) as an offline feature and labelling system.

The layers, lowest first; nothing imports what stands above it:

    errors, logs, dates
    config          one typed object, validated at start
    tables          the Delta contracts: schema, constraints, retention, reads, writes
    feed, ingest, labels, sessions, features, snapshot, scoring, weights, publication  (Spark)
    networks, estimators, loader, training                                            (torch)
    registry        MLflow: both models, their tags, the champion
    pipeline        the steps of a night, in order, resumable
    simulation, evaluation, report
"""

__version__ = "0.1.0"
