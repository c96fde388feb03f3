"""The Delta tables: contracts (schema, key, constraints, retention) and all reads and writes."""

from uae_model.lake.contracts import TABLES, TableContract, contract_for
from uae_model.lake.store import Commit, TableStore, fingerprint, read_table

__all__ = [
    "TABLES",
    "Commit",
    "TableContract",
    "TableStore",
    "contract_for",
    "fingerprint",
    "read_table",
]
