"""Sessions and labels."""
