"""User attention estimation (UAE, ICDE 2024) as an offline feature and labelling system.

The layers, lowest first; nothing imports what stands above it:

    errors, logs, dates
    config          one typed object, validated at start
    aggregates      what is kept of a day, and windows as merges of it                (Spark)
    dimensions      attributes of users and songs, and their values as of a play      (Spark)
    tables          the Delta contracts: schema, constraints, retention, reads, writes
    feed, ingest, labels, sessions, features, splits, snapshot, scoring, weights, publication  (Spark)
    networks, estimators, loader, training                                            (torch)
    templates, svg  how pages and their plots are put together
    simulation      plays with known attention                                        (numpy)
    recommenders, evaluation  what the weights do downstream                          (torch)
    published       the weights for readers without Spark                             (pyarrow)
    registry        MLflow: both models, their tags, the champion
    pipeline        the steps of a night, in order, resumable
    report, doctor  what a person looks at
"""

__version__ = "0.1.0"
