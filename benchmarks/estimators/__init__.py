"""How well each estimator recovers attention, in simulated worlds whose truth is known."""
