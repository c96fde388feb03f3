"""What readers of the weights import."""
