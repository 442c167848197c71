"""Commitment of many thermal units over a day or two: read, solve near the optimum with a proven gap, check."""
