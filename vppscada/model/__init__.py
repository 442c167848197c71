"""The vocabulary: what every other room may speak of. Standard library and NumPy only."""
