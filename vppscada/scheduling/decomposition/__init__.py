"""Large fleets: prices instead of rows tie the assets together, so that each one's best answer is found by itself."""
