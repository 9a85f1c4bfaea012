"""Checkov for the oracle lane, in a virtual environment of its own: its pins cannot live beside ours."""

from tools.apart import Apart

CHECKOV = Apart("checkov", "Checkov", "about 40 s the first time, 280 MB in the cache")
