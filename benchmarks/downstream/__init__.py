"""What each weighting does to recommenders, in simulated worlds whose true relevance is known."""
