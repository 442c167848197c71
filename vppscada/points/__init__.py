"""Current values of every point, what changed of them, and the journal that outlives a crash."""
