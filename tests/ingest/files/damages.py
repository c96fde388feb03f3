"""All the damaged files."""

from __future__ import annotations

from tests.ingest.files.cases import Case
from tests.ingest.files.csv_cases import CSV
from tests.ingest.files.idomaar_cases import THIRTY_MUSIC
from tests.ingest.files.json_cases import JSONL, SPOTIFY_CASES
from tests.ingest.files.parquet_cases import PARQUET
from tests.ingest.files.text_cases import archives, compressed, encodings, same_values

CASES: dict[str, Case] = {
    **same_values(),
    **archives(),
    **compressed(),
    **encodings(),
    **CSV,
    **JSONL,
    **SPOTIFY_CASES,
    **PARQUET,
    **THIRTY_MUSIC,
}
