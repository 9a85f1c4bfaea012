"""Checkov for the oracle lane, in a virtual environment of its own: its pins cannot live beside ours."""
