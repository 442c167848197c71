"""The optimiser: a request becomes a schedule. Importing this package does not load the solvers."""
