"""The Spark function that scores."""
