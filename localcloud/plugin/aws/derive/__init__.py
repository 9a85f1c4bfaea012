"""Derives the stand-in's property table from the provider's schema, its Go source and the Python SDK."""
