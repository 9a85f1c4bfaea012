"""This machine as a backend: a job is a process that outlives the command which started it."""

from dispatcher.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
