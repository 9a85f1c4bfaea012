"""Cloud Logging: entries written and listed."""
