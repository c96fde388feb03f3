"""A whole night at several sizes: what each step costs, at the start and for each play more."""
