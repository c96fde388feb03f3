"""The Delta tables: contracts (schema, key, constraints, retention) and all reads and writes."""

from uae_model.lake.contract import TableContract
from uae_model.lake.contracts import TABLES, UNKNOWN_COLUMN_REMEDY, contract_for
from uae_model.lake.day_state import FEED, DayState, Unit
from uae_model.lake.log import NO_DAY
from uae_model.lake.states import SECONDS, DayStates
from uae_model.lake.store import MANY_ROWS, TableStore, read_table, table_path

__all__ = [
    "FEED",
    "MANY_ROWS",
    "NO_DAY",
    "SECONDS",
    "TABLES",
    "UNKNOWN_COLUMN_REMEDY",
    "DayState",
    "DayStates",
    "TableContract",
    "TableStore",
    "Unit",
    "contract_for",
    "read_table",
    "table_path",
]
