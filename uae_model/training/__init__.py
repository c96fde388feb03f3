"""Training of the networks: torch only, no Spark; started by TorchDistributor or torchrun."""
