"""Files of a feed as rows of text, without Spark: a real parser for every format."""

from uae_model.ingest.files.layout import FilePart, Layout, Report, batch_schema
from uae_model.ingest.files.reader import read_part

__all__ = ["FilePart", "Layout", "Report", "batch_schema", "read_part"]
