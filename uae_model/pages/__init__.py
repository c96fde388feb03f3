"""Templates, plots and Markdown tables of pages."""
