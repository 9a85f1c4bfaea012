"""Sweeps, from the file to the best trial."""
