"""Slowly changing dimensions of type 2 (SCD 2): attributes of users and songs, and their values as of a play.

A feed *states* what an entity's attributes are from a time on. A *version* is a row of the table: the values,
true from ``valid_from`` up to ``valid_to``. Statements that say the same one after another are one version,
which remembers when it was restated: without that, a late statement that falls between two equal ones could
not be told apart from one that is still true. So any order of the feed, and any split of it, gives the same
table.
"""

from uae_model.features.dimensions.as_of import has_attributes, relevant_digests, with_attributes
from uae_model.features.dimensions.history import (
    changed_versions,
    distinct_statements,
    statement_count,
    versions_of,
)

__all__ = [
    "changed_versions",
    "distinct_statements",
    "has_attributes",
    "relevant_digests",
    "statement_count",
    "versions_of",
    "with_attributes",
]
