"""The Delta tables: contracts (schema, key, constraints, retention) and all reads and writes."""

from uae_model.tables.contracts import TABLES, TableContract, contract_for
from uae_model.tables.store import Commit, TableStore, fingerprint, read_table

__all__ = [
    "TABLES",
    "Commit",
    "TableContract",
    "TableStore",
    "contract_for",
    "fingerprint",
    "read_table",
]
