"""Templates and plots of pages."""
