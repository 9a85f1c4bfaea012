"""Packing a folder of code and keeping its archive."""
