"""Generated files, with generated damages, through the parsers: ``make fuzz`` runs at least 10,000."""
