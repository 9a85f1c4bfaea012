"""Benchmarks that print a table; each exits with 1 when a budget is broken."""
