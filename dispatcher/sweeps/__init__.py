"""Sweeps: one job searched over a space of parameters; its trials are submissions like any other."""
