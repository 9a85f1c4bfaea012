"""The stand-in for Google Cloud: its tables, checks, handlers on the local APIs, life under the engine."""
