"""The server process: one loopback port for AWS and for control."""
